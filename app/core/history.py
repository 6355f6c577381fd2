"""The window of a channel's newest messages, and the decision whether a gap can be filled."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from app.core.message import Publication


class Position(NamedTuple):
    """A place in a channel: the offset of the last message seen, in one epoch."""

    offset: int
    epoch: str


class Recovery(NamedTuple):
    """What somebody who joins gets.

    Args:
        position: the channel's newest message.
        publications: in offset order.
        recovered: they are exactly those after the position that was asked for.
    """

    position: Position
    publications: list[Publication]
    recovered: bool


class Page(NamedTuple):
    """A stretch of history, in offset order; `more` when older messages are still kept."""

    position: Position
    publications: list[Publication]
    more: bool


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """What is kept of each channel.

    Args:
        size: most messages; 0 keeps none.
        seconds: how long each is kept; 0 sets no age.
        recovery_seconds: how long the position of a channel that nobody is in is remembered at
            least.
    """

    size: int = 1000
    seconds: float = 86_400
    recovery_seconds: float = 0


class HistoryWindow:
    """The newest publications of one channel in one epoch.

    Offsets have no holes, so the window is a queue whose ends say everything.

    Args:
        epoch: the name of this life of the channel.
        size: most publications kept; 0 keeps none.
        seconds: how long each is kept; 0 sets no age.
    """

    __slots__ = ("_kept", "_seconds", "_size", "epoch", "offset")

    def __init__(self, epoch: str, size: int, seconds: float) -> None:
        self.epoch = epoch
        self.offset = 0
        self._size = size
        self._seconds = seconds
        self._kept: deque[Publication] = deque()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def position(self) -> Position:
        """The place after the newest message."""
        return Position(self.offset, self.epoch)

    def append(self, publication: Publication) -> None:
        """Add the next publication, whose offset is one more than the last one's.

        Raises:
            ValueError: it isn't.
        """
        offset = self.offset + 1
        if publication.offset != offset:
            raise ValueError(f"offset {publication.offset} after {self.offset}")
        self.offset = offset
        kept = self._kept
        kept.append(publication)
        if len(kept) > self._size:
            kept.popleft()

    def trim(self, now: float) -> None:
        """Forget what is older than the window's age."""
        if not self._seconds:
            return
        oldest = now - self._seconds
        while self._kept and self._kept[0].published_at <= oldest:
            self._kept.popleft()

    def recover(self, since: Position | None, limit: int | None, now: float) -> Recovery:
        """Return what somebody who saw everything up to `since` has missed.

        When that can't be had whole (trimmed, expired, of another epoch, or never published) they
        get the newest that there are, and `recovered` is false (contract §4, promise 3). Without
        `since` they get the newest `limit` messages.

        Args:
            limit: most messages for who doesn't recover; None means all when `since` was given,
                and none when it wasn't.
        """
        self.trim(now)
        missed = self._missed_since(since)
        if missed is not None:
            return Recovery(self.position, self._newest(missed), recovered=True)
        if limit is None:
            limit = len(self._kept) if since is not None else 0
        return Recovery(self.position, self._newest(limit), recovered=False)

    def page(self, before: int | None, limit: int, now: float) -> Page:
        """Return the newest `limit` messages whose offset is below `before` (None: of all)."""
        self.trim(now)
        first = self.offset - len(self._kept) + 1
        end = self.offset + 1 if before is None else max(first, min(before, self.offset + 1))
        start = max(first, end - limit)
        publications = list(islice(self._kept, start - first, end - first))
        return Page(self.position, publications, more=start > first)

    def _missed_since(self, since: Position | None) -> int | None:
        """Return how many messages follow `since`, or None when they aren't all here."""
        if since is None or since.epoch != self.epoch:
            return None
        missed = self.offset - since.offset
        return missed if 0 <= missed <= len(self._kept) else None

    def _newest(self, count: int) -> list[Publication]:
        return list(islice(self._kept, max(0, len(self._kept) - count), None))
