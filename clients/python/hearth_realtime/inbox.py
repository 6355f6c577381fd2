"""The inbox of one channel: its messages in order; what is new, known, and missing. No I/O.

It is given what the server sends and answers, and says what to request.

One number, the offset of the last message accepted, decides about each message that comes. Each
names the place before it: `prev`, where the server has one message for several, or else the number
below its own. If that place is ours, the message is new; if its own is, or is behind us, it is
known; else it shows a gap. Messages that don't fit because the reader is slow stay in the server's
history, and are a gap like any other: `wanted` asks for them once there is room.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final, Literal

from hearth_realtime.messages import DISCONTINUITY, Message, Position, message

# Messages in one request to history.
PAGE: Final = 200
# A Redis that is restored from a snapshot has older messages under a new epoch, with their former
# offsets and timestamps: so many are remembered, to deduplicate them.
REMEMBERED: Final = 1000


class Inbox:
    """The unread messages of one channel, and the position in it.

    Args:
        size: most unread messages.
        since: the position to begin after; None: begin with the next message.
    """

    def __init__(self, size: int, since: Position | None = None) -> None:
        self.joined = False
        # Of the last message accepted; the epoch is empty before the first one.
        self._offset, self._epoch = since or (0, "")
        self._size = size
        self._newest = 0  # the newest offset in the channel that is known
        self._following = 0  # how many messages a join has announced that haven't come yet
        self._page = PAGE
        self._adrift = False  # whether the position is lost, and a join has to tell it
        self._unread: deque[Message] = deque()
        self._seen: deque[tuple[int, str]] = deque(maxlen=REMEMBERED)
        self._seen_before: frozenset[tuple[int, str]] = frozenset()  # in earlier epochs

    @property
    def position(self) -> Position | None:
        """The position of the last message accepted; None before the first one."""
        return Position(self._offset, self._epoch) if self._epoch else None

    @property
    def wanted(self) -> Literal["join", "history"] | None:
        """The request to send next, `join_request()` or `history_request()`; None if none."""
        if not self.joined or self._unread:
            return None
        if self._adrift:
            return "join"
        return "history" if self._is_behind() else None

    @property
    def whole(self) -> bool:
        """Whether nothing is known to be missing."""
        settled = not self._adrift and not self._following
        return self.joined and settled and not self._is_behind()

    def pop(self) -> Message | None:
        """Remove and return the next message; None if there is none."""
        return self._unread.popleft() if self._unread else None

    def clear(self) -> None:
        """Discard unread messages."""
        self._unread.clear()

    def lose(self) -> None:
        """The connection is lost: nothing comes until `on_joined`."""
        self.joined = False

    def join_request(self) -> dict[str, Any]:
        """Return the arguments of `join`, without the channel."""
        return {"since": {"offset": self._offset, "epoch": self._epoch}} if self._epoch else {}

    def history_request(self) -> dict[str, Any]:
        """Return the arguments of `history`, without the channel, for the next messages."""
        limit = min(self._page, self._size)
        return {"before": self._offset + limit + 1, "limit": limit}

    def on_joined(self, answer: dict[str, Any], now: str) -> None:
        """Handle the answer to a `join`; `now` is the time as a timestamp."""
        ours, head = self.position, Position(answer["offset"], answer["epoch"])
        envelopes = answer["messages"]
        if ours is None or not answer["recovered"]:
            # Begin anew, with the first message that history still has.
            place = _place_before(envelopes[0]) if envelopes else head.offset
            if ours is not None:
                place = max(place, self._begin_anew(ours, head, answer["channel"], now))
            self._offset, self._epoch = place, head.epoch
        elif envelopes:
            # They are all that was missed, by the server's own word.
            self._offset = max(self._offset, _place_before(envelopes[0]))
        self.joined = True
        self._adrift = False
        self._newest = head.offset
        self._following = answer.get("following", 0)
        self._take_all(envelopes)

    def on_message(self, envelope: dict[str, Any]) -> None:
        """Handle a message of the channel."""
        if not self.joined or self._adrift:
            return  # it is read from history
        offset = envelope.get("offset")
        if envelope["type"] == DISCONTINUITY:
            self._on_gap(envelope)
        elif offset is not None:
            self._newest = max(self._newest, offset)
            self._following = max(0, self._following - (offset - _place_before(envelope)))
            self._take_all([envelope])
        elif self._has_room() and not self._is_behind():
            self._unread.append(message(envelope, self._epoch))

    def on_history(self, answer: dict[str, Any]) -> None:
        """Handle the answer to a `history`."""
        if answer["epoch"] != self._epoch:
            self._adrift = True
            return
        self._newest = max(self._newest, answer["offset"])
        envelopes, before = answer["messages"], self._offset
        self._take_all(envelopes)
        if self._offset > before:
            self._page = min(2 * self._page, PAGE)
        elif len(envelopes) < self._page and answer.get("more") and self._page > 1:
            # The page was too large for one answer; ask for what fits.
            self._page = max(1, min(len(envelopes), self._page // 2))
        else:
            # The missing messages are no longer in history.
            self._adrift = self._is_behind() and self._has_room()

    def _on_gap(self, envelope: dict[str, Any]) -> None:
        """Handle a `discontinuity`: what follows it is told by a join, if it isn't on its way."""
        offset, epoch = envelope["data"]["offset"], envelope["data"]["epoch"]
        if not self._following or epoch != self._epoch or self._is_behind():
            self._adrift = True
        elif offset > self._offset:
            self._following = max(0, self._following - (offset - self._offset))
            self._offset = offset
            self._tell(message(envelope, epoch))

    def _begin_anew(self, ours: Position, head: Position, channel: str, now: str) -> int:
        """Add a `discontinuity`; return the offset up to which messages are known."""
        self._tell(Message(DISCONTINUITY, channel, head._asdict(), now, None, head.epoch))
        if ours.epoch == head.epoch and ours.offset <= head.offset:
            return ours.offset
        self._seen_before = frozenset(self._seen)
        return 0

    def _tell(self, lost: Message) -> None:
        if self._unread and self._unread[-1].type == DISCONTINUITY:
            self._unread[-1] = lost
        else:
            self._unread.append(lost)

    def _take_all(self, envelopes: list[dict[str, Any]]) -> None:
        for envelope in envelopes:
            if _place_before(envelope) <= self._offset < envelope["offset"] and self._has_room():
                self._offset = envelope["offset"]
                place = (self._offset, envelope["timestamp"])
                if place not in self._seen_before:
                    self._seen.append(place)
                    self._unread.append(message(envelope, self._epoch))

    def _has_room(self) -> bool:
        return len(self._unread) < self._size

    def _is_behind(self) -> bool:
        return self._offset < self._newest


def _place_before(envelope: dict[str, Any]) -> int:
    """Return the offset behind which nothing is missing before a message."""
    prev = envelope.get("prev")
    return int(envelope["offset"]) - 1 if prev is None else int(prev)
