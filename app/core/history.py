"""History: the newest messages of a channel, and whether a position can be recovered from it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from app.core.message import Publication


class Position(NamedTuple):
    """A position in a channel: the offset of the last message seen, in one epoch."""

    offset: int
    epoch: str


class Recovery(NamedTuple):
    """What a join returns of history.

    Args:
        position: the position of the channel's newest message.
        publications: in offset order.
        recovered: whether they are exactly those after the requested position.
    """

    position: Position
    publications: list[Publication]
    recovered: bool


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
    """

    size: int = 1000
    seconds: float = 86_400
    recovery_seconds: float = 0


class HistoryWindow:
    """The newest publications of one channel in one epoch.

    Offsets have no gaps, so both ends of the window determine what is in it.

    Args:
        epoch: the name of the epoch.
        size: how many publications at most; 0: none.
        seconds: when publications expire; 0: never.
    """

    __slots__ = ("_publications", "_seconds", "_size", "epoch", "offset")

    def __init__(self, epoch: str, size: int, seconds: float) -> None:
        self.epoch = epoch
        self.offset = 0
        self._size = size
        self._seconds = seconds
        self._publications: deque[Publication] = deque()

    def __len__(self) -> int:
        return len(self._publications)

    @property
    def position(self) -> Position:
        """The position of the newest message."""
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
        self._publications.append(publication)
        if len(self._publications) > self._size:
            self._publications.popleft()

    def trim(self, now: float) -> None:
        """Remove what has expired."""
        if not self._seconds:
            return
        oldest = now - self._seconds
        while self._publications and self._publications[0].published_at <= oldest:
            self._publications.popleft()

    def recover(self, since: Position | None, limit: int | None, now: float) -> Recovery:
        """Return what was published after `since` (docs/protocol.md, promise 3).

        If some of that is missing (trimmed, expired, or of another epoch), `recovered` is false and
        the newest messages are returned instead. Without `since`, these are returned too.

        Args:
            limit: how many of the newest messages at most. None: all if `since` was given, none if
                it wasn't.
        """
        self.trim(now)
        missed = self._missed_since(since)
        if missed is not None:
            return Recovery(self.position, self._newest(missed), recovered=True)
        if limit is None:
            limit = len(self._publications) if since is not None else 0
        return Recovery(self.position, self._newest(limit), recovered=False)

    def page(self, before: int | None, limit: int, now: float) -> Page:
        """Return the newest `limit` messages with an offset below `before` (None: of all)."""
        self.trim(now)
        first = self.offset - len(self._publications) + 1
        end = self.offset + 1 if before is None else max(first, min(before, self.offset + 1))
        start = max(first, end - limit)
        publications = list(islice(self._publications, start - first, end - first))
        return Page(self.position, publications, more=start > first)

    def _missed_since(self, since: Position | None) -> int | None:
        """Return how many messages follow `since`, or None when they aren't all here."""
        if since is None or since.epoch != self.epoch:
            return None
        missed = self.offset - since.offset
        return missed if 0 <= missed <= len(self._publications) else None

    def _newest(self, count: int) -> list[Publication]:
        return list(islice(self._publications, max(0, len(self._publications) - count), None))
