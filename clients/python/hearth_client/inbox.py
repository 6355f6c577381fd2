"""One channel's messages in order: what is new, what was there before, what is missing.

Takes what the server sends and answers, and says what to ask it for; it does no I/O.

Offsets have no holes. So one number, the place of the last message taken in, decides about each
one that comes: the next one is new, an earlier one was there before, a later one shows a hole.
What doesn't fit because the reader is slow is left where it is kept, in the server's history, and
is a hole like any other: `wanted` has it read once there is room.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final, Literal

from hearth_client.messages import DISCONTINUITY, Message, Position, message

# Messages in one request to history.
PAGE: Final = 200
# A Redis that is restored from a snapshot keeps messages from before under a new epoch, with the
# offset and timestamp that they had: so many are remembered, to not hand them over twice.
REMEMBERED: Final = 1000


class Inbox:
    """The unread messages of one channel, and its place.

    Args:
        size: most unread messages.
        since: the last message seen; None: begin with what comes.
    """

    def __init__(self, size: int, since: Position | None = None) -> None:
        self.joined = False
        # Of the last message taken in; there is no epoch before there is a place.
        self._offset, self._epoch = since or (0, "")
        self._size = size
        self._newest = 0  # the offset of the newest message known of
        self._adrift = False  # whether only the server can tell where we are
        self._unread: deque[Message] = deque()
        self._seen: deque[tuple[int, str]] = deque(maxlen=REMEMBERED)
        self._seen_before: frozenset[tuple[int, str]] = frozenset()  # in earlier epochs

    @property
    def position(self) -> Position | None:
        """The place of the last message taken in, if there is one."""
        return Position(self._offset, self._epoch) if self._epoch else None

    @property
    def wanted(self) -> Literal["join", "history"] | None:
        """What to ask the server for, if anything: `join_request()` or `history_request()`."""
        if not self.joined or self._unread:
            return None
        if self._adrift:
            return "join"
        return "history" if self._is_behind() else None

    @property
    def whole(self) -> bool:
        """Whether nothing is known to be missing."""
        return self.joined and not self._adrift and not self._is_behind()

    def pop(self) -> Message | None:
        """Return the next message, or None when there is none."""
        return self._unread.popleft() if self._unread else None

    def clear(self) -> None:
        """Forget what is unread."""
        self._unread.clear()

    def lose(self) -> None:
        """The connection is lost: nothing comes until `on_joined`."""
        self.joined = False

    def join_request(self) -> dict[str, Any]:
        """Return what to ask, beside the channel's name."""
        return {"since": {"offset": self._offset, "epoch": self._epoch}} if self._epoch else {}

    def history_request(self) -> dict[str, Any]:
        """Return what to ask, beside the channel's name: the messages that come next."""
        limit = min(PAGE, self._size)
        return {"before": self._offset + limit + 1, "limit": limit}

    def on_joined(self, answer: dict[str, Any], now: str) -> None:
        """Take the answer to a `join`; `now` is the time, as timestamps are."""
        ours, head = self.position, Position(answer["offset"], answer["epoch"])
        envelopes = answer["messages"]
        if ours is None or not answer["recovered"]:
            # What the server still has begins here, and is handed over.
            first = envelopes[0]["offset"] if envelopes else head.offset + 1
            if ours is not None:
                had = self._begin_anew(ours, head, answer["channel"], now)
                first = max(first, had + 1)
            self._offset, self._epoch = first - 1, head.epoch
        self.joined = True
        self._adrift = False
        self._newest = head.offset
        self._take_all(envelopes)

    def on_message(self, envelope: dict[str, Any]) -> None:
        """Take what the server sends to the members."""
        if not self.joined or self._adrift:
            return  # history has it
        offset = envelope.get("offset")
        if envelope["type"] == DISCONTINUITY:
            self._adrift = True
        elif offset is not None:
            self._newest = max(self._newest, offset)
            self._take_all([envelope])
        elif self._has_room() and not self._is_behind():
            self._unread.append(message(envelope, self._epoch))

    def on_history(self, answer: dict[str, Any]) -> None:
        """Take the answer to a `history`."""
        if answer["epoch"] != self._epoch:
            self._adrift = True
            return
        self._newest = max(self._newest, answer["offset"])
        before = self._offset
        self._take_all(answer["messages"])
        # Nothing came of it though something is missing: it isn't kept any more.
        self._adrift = self._offset == before and self._is_behind() and self._has_room()

    def _begin_anew(self, ours: Position, head: Position, channel: str, now: str) -> int:
        """Tell the reader that messages are missing; return the last offset that it had."""
        lost = Message(DISCONTINUITY, channel, head._asdict(), now, None, head.epoch)
        if self._unread and self._unread[-1].type == DISCONTINUITY:
            self._unread[-1] = lost
        else:
            self._unread.append(lost)
        if ours.epoch == head.epoch and ours.offset <= head.offset:
            return ours.offset
        self._seen_before = frozenset(self._seen)
        return 0

    def _take_all(self, envelopes: list[dict[str, Any]]) -> None:
        for envelope in envelopes:
            if envelope["offset"] == self._offset + 1 and self._has_room():
                self._offset += 1
                place = (self._offset, envelope["timestamp"])
                if place not in self._seen_before:
                    self._seen.append(place)
                    self._unread.append(message(envelope, self._epoch))

    def _has_room(self) -> bool:
        return len(self._unread) < self._size

    def _is_behind(self) -> bool:
        return self._offset < self._newest
