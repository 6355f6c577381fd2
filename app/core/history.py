"""History: the newest messages of a channel, and whether a position can be recovered from it."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Final, NamedTuple

from app.core.growing import Effect, Growing, GrowingMessages, size_of, whole
from app.core.message import Publication, in_order

#: The most bytes of messages in one answer (docs/protocol.md, "Requests").
MOST_ANSWER_BYTES: Final = 512_000


class Position(NamedTuple):
    """A position in a channel: the offset of the last message seen, in one epoch."""

    offset: int
    epoch: str


class Recovery(NamedTuple):
    """What a join returns of history.

    Args:
        position: the position after `publications`: of the last of them if more follow, else of the
            channel's newest message.
        publications: in offset order.
        recovered: whether they are, together with those that follow, exactly those after the
            requested position.
        following: how many more there are up to the channel's newest message.
        newest: that message's offset.
    """

    position: Position
    publications: list[Publication]
    recovered: bool
    following: int = 0
    newest: int = 0

    @property
    def start(self) -> Position:
        """The position before `publications`: who takes it for its own misses nothing of them."""
        first = next(iter(self.publications), None)
        return (
            self.position
            if first is None
            else Position((first.offset or 1) - 1, self.position.epoch)
        )


class Page(NamedTuple):
    """A page of history, in offset order; `more` if there are older messages."""

    position: Position
    publications: list[Publication]
    more: bool


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """How much history each channel has.

    Args:
        size: how many messages at most; 0: none.
        seconds: when messages expire; 0: never.
        recovery_seconds: for how long at least the position of a channel without members is
            remembered.
        most_bytes: how large they may be together, as they are stored; 0: any size. The newest
            stays, however large it is.
    """

    size: int = 1000
    seconds: float = 86_400
    recovery_seconds: float = 0
    most_bytes: int = 67_108_864


class HistoryWindow:
    """The newest publications of one channel in one epoch.

    Of those with the same compaction key it has the newest only. The deltas of a message are one
    entry, until the whole message stands for them.

    Args:
        epoch: the name of the epoch.
        options: its bounds.
    """

    __slots__ = (
        "_entries",
        "_growing",
        "_keys",
        "_most_bytes",
        "_newest",
        "_seconds",
        "_size",
        "bytes",
        "epoch",
        "offset",
        "trimmed",
    )

    def __init__(self, epoch: str, options: HistoryOptions) -> None:
        self.epoch = epoch
        self.offset = 0
        #: Offset of the last message that is gone, and that nothing here stands for.
        self.trimmed = 0
        #: The size of all publications here together, as they are stored.
        self.bytes = 0
        self._size = options.size
        self._seconds = options.seconds
        self._most_bytes = options.most_bytes or math.inf
        self._entries: OrderedDict[int, Publication | Growing] = OrderedDict()  # by offset
        # The newest offset of each compaction key, and the keys of these offsets.
        self._newest: dict[str, int] = {}
        self._keys: dict[int, str] = {}
        self._growing: GrowingMessages | None = None  # most channels have none

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def position(self) -> Position:
        """The position of the newest message."""
        return Position(self.offset, self.epoch)

    def append(
        self,
        publication: Publication,
        compaction_key: str | None = None,
        effect: Effect | None = None,
    ) -> None:
        """Add the next publication, whose offset is one more than the last one's.

        Args:
            compaction_key: as in `Message`.
            effect: what it does to messages that grow.

        Raises:
            ValueError: it isn't.
        """
        offset = self.offset + 1
        if publication.offset != offset:
            raise ValueError(f"offset {publication.offset} after {self.offset}")
        self.offset = offset
        if compaction_key is not None:
            if (before := self._newest.get(compaction_key)) is not None:
                del self._keys[before]
                self._remove(before)
            self._newest[compaction_key] = offset
            self._keys[offset] = compaction_key
        entry = publication if effect is None else self._grow(publication, effect)
        self._entries[offset] = entry
        self.bytes += size_of(entry)
        if len(self._entries) > self._size:
            self._remove_oldest()
        if self.bytes > self._most_bytes:
            self.shrink(self._most_bytes)

    def _grow(self, publication: Publication, effect: Effect) -> Publication | Growing:
        """Return the entry that a publication makes, or goes on with."""
        growing_messages = self._growing = self._growing or GrowingMessages()
        for message_id in effect.replaces:
            for replaced in growing_messages.of_message(message_id):
                self._remove(replaced.offset)
                growing_messages.discard(replaced)
        growth = effect.growth
        if growth is None:
            growing_messages.seal(effect.source)
            return publication
        growing = growing_messages.going_on(effect.source, growth)
        if growing is None:
            growing = Growing(publication, growth)
            growing_messages.begin(effect.source, growing)
        else:
            self._remove(growing.offset)
            growing.add(publication, growth)
        return growing

    def _remove(self, offset: int) -> None:
        self.bytes -= size_of(self._entries.pop(offset))

    def shrink(self, most_bytes: float) -> None:
        """Remove the oldest until at most so many bytes are left; the newest stays."""
        while self.bytes > most_bytes and len(self._entries) > 1:
            self._remove_oldest()

    def trim(self, now: float) -> None:
        """Remove what has expired."""
        if not self._seconds:
            return
        oldest = now - self._seconds
        while self._entries:
            if next(iter(self._entries.values())).published_at > oldest:
                return
            self._remove_oldest()

    def _remove_oldest(self) -> None:
        self.trimmed, entry = self._entries.popitem(last=False)
        self.bytes -= size_of(entry)
        if self._growing is not None and isinstance(entry, Growing):
            self._growing.discard(entry)
        if self._keys and (key := self._keys.pop(self.trimmed, None)) is not None:
            del self._newest[key]

    def recover(
        self, since: Position | None, limit: int | None, now: float, most_bytes: int | None = None
    ) -> Recovery:
        """Return what was published after `since` (docs/protocol.md, promise 3).

        If some of that is missing (trimmed, expired, or of another epoch), `recovered` is false and
        the newest messages are returned instead. Without `since`, these are returned too.

        Args:
            limit: how many of the newest messages at most. None: all if `since` was given, none if
                it wasn't.
            most_bytes: how large the returned messages may be together, unless it is a single one;
                the oldest are returned, and the rest are counted in `following`. None: any size.
        """
        self.trim(now)
        recovered = since is not None and self._can_recover(since)
        place: int | None = None
        if since is not None and recovered:
            place = since.offset
            found = self._after(place)
        elif limit is None:
            found = [] if since is None else self._after(0)
        else:
            found = self._newest_of(limit)
        taken = fitting(found, most_bytes)
        following = len(found) - len(taken)
        offset = (taken[-1].offset or 0) if following else self.offset
        position = Position(offset, self.epoch)
        return Recovery(position, in_order(taken, place), recovered, following, self.offset)

    def page(
        self, before: int | None, limit: int, now: float, most_bytes: int | None = None
    ) -> Page:
        """Return the newest `limit` messages with an offset below `before` (None: of all).

        Args:
            most_bytes: as in `recover`, but the newest are returned.
        """
        self.trim(now)
        end = self.offset + 1 if before is None else before
        older = (whole(one) for offset, one in reversed(self._entries.items()) if offset < end)
        found = list(islice(older, limit + 1))
        taken = fitting(found[:limit], most_bytes)
        return Page(self.position, in_order(taken[::-1], None), more=len(found) > len(taken))

    def _can_recover(self, since: Position) -> bool:
        return since.epoch == self.epoch and self.trimmed <= since.offset <= self.offset

    def _after(self, offset: int) -> list[Publication]:
        newer = takewhile(lambda one: one[0] > offset, reversed(self._entries.items()))
        return [whole(entry, offset) for _offset, entry in newer][::-1]

    def _newest_of(self, count: int) -> list[Publication]:
        return [whole(entry) for entry in islice(reversed(self._entries.values()), count)][::-1]


def fitting(publications: list[Publication], most_bytes: int | None) -> list[Publication]:
    """Return the first publications that have at most so many bytes together, and at least one."""
    if most_bytes is None:
        return publications
    size = 0
    for count, publication in enumerate(publications):
        size += len(publication.body)
        if size > most_bytes:
            return publications[: max(1, count)]
    return publications
