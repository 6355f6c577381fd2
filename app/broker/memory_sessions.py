"""Sessions of a single process, in memory, so that dropped connections can be restored."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from app.broker.contract import SessionEvents
from app.core.session import Session

#: A process without Redis keeps so many at most; the longest unused are forgotten first.
MOST_SESSIONS: Final = 100_000


class _Kept(NamedTuple):
    owner: str
    record: dict[str, Any]  # empty: it is over
    expires_at: float


class MemorySessions:
    """See `SessionStore`. Sessions that run out go first, so few are looked at.

    Args:
        clock: seconds, of any origin.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.process = "here"
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def start(self, events: SessionEvents) -> None: ...  # no other process could claim one

    async def save(self, session: Session, seconds: float) -> bool:
        self._forget_old()
        kept = self._find(session.pid)
        if kept is not None and kept.owner != session.owner:
            return False
        self._keep(session.pid, _Kept(session.owner, session.to_dict(), self._clock() + seconds))
        return True

    async def claim(self, pid: str, owner: str, claimant: str, seconds: float) -> Session | None:
        kept = self._find(pid)
        if kept is None or kept.record.get("whose") != claimant:
            return None
        self._keep(pid, _Kept(owner, kept.record, self._clock() + seconds))
        return Session.from_dict(pid, owner, kept.record)

    async def forget(self, session: Session, seconds: float) -> None:
        kept = self._find(session.pid)
        if kept is not None and kept.owner == session.owner:
            self._keep(session.pid, _Kept("", {}, self._clock() + seconds))

    def _find(self, pid: str) -> _Kept | None:
        kept = self._kept.get(pid)
        return kept if kept is not None and kept.expires_at > self._clock() else None

    def _keep(self, pid: str, kept: _Kept) -> None:
        self._kept[pid] = kept
        self._kept.move_to_end(pid)
        if len(self._kept) > MOST_SESSIONS:
            self._kept.popitem(last=False)

    def _forget_old(self) -> None:
        now = self._clock()
        while self._kept and next(iter(self._kept.values())).expires_at <= now:
            self._kept.popitem(last=False)
