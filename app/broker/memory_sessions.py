"""Sessions of a single process, in memory, from which lost connections can be restored."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from app.broker.contract import SessionEvents
from app.core.session import Session

MOST_SESSIONS: Final = 100_000


class _Entry(NamedTuple):
    owner: str
    record: dict[str, Any]  # empty: it is over
    expires_at: float


class MemorySessions:
    """See `SessionStore`.

    Args:
        clock: seconds, of any origin.
        most: beyond so many, those that were saved the longest ago are evicted.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, most: int = MOST_SESSIONS
    ) -> None:
        self.process = "here"
        self._most = most
        self._clock = clock
        # The latest saved last: nearly in the order of expiry.
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def start(self, events: SessionEvents) -> None: ...  # no other process could claim one

    async def save(self, session: Session, seconds: float) -> bool:
        self._forget_expired()
        entry = self._find(session.pid)
        if entry is not None and entry.owner != session.owner:
            return False
        self._put(session.pid, _Entry(session.owner, session.to_dict(), self._clock() + seconds))
        return True

    async def claim(self, pid: str, owner: str, claimant: str, seconds: float) -> Session | None:
        entry = self._find(pid)
        if entry is None or entry.record.get("whose") != claimant:
            return None
        self._put(pid, _Entry(owner, entry.record, self._clock() + seconds))
        return Session.from_dict(pid, owner, entry.record)

    async def forget(self, session: Session, seconds: float) -> None:
        entry = self._find(session.pid)
        if entry is not None and entry.owner == session.owner:
            self._put(session.pid, _Entry("", {}, self._clock() + seconds))

    def _find(self, pid: str) -> _Entry | None:
        entry = self._entries.get(pid)
        return entry if entry is not None and entry.expires_at > self._clock() else None

    def _put(self, pid: str, entry: _Entry) -> None:
        self._entries[pid] = entry
        self._entries.move_to_end(pid)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def _forget_expired(self) -> None:
        now = self._clock()
        while self._entries and next(iter(self._entries.values())).expires_at <= now:
            self._entries.popitem(last=False)
