"""Where sessions are kept, so that dropped connections can be restored; and that in one process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from app.core.session import Session

#: A process without Redis keeps so many at most; the longest unused are forgotten first.
MOST_SESSIONS: Final = 100_000


class SessionStore(Protocol):
    """Keeps sessions by pid. Each has one owner: the connection that claimed it last.

    Every method raises `app.core.errors.Unavailable` when what keeps them can't be reached.
    """

    process: str
    """What owners begin with, before a colon."""

    claimed: Callable[[str], None]
    """Called with an owner of this process once another process has claimed its session."""

    async def save(self, session: Session, seconds: float) -> bool:
        """Keep a session for so many seconds, unless it has got another owner.

        Returns:
            Whether it is still its owner's.
        """

    async def claim(self, pid: str, owner: str, whose: str, seconds: float) -> Session | None:
        """Make a connection the owner of a session; None where there is none of theirs."""

    async def forget(self, session: Session, seconds: float) -> None:
        """End a session, unless it has got another owner; for so many seconds nobody can save it
        again, also who had it before and hasn't noticed."""


class _Kept(NamedTuple):
    owner: str
    record: dict[str, Any]  # empty: it is over
    expires_at: float


class MemorySessions:
    """The sessions of a single process. Those that run out go first, so few are looked at.

    Args:
        clock: seconds, of any origin.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.process = "here"
        self.claimed: Callable[[str], None] = lambda owner: None
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    async def save(self, session: Session, seconds: float) -> bool:
        self._forget_old()
        kept = self._find(session.pid)
        if kept is not None and kept.owner != session.owner:
            return False
        self._keep(session.pid, _Kept(session.owner, session.to_dict(), self._clock() + seconds))
        return True

    async def claim(self, pid: str, owner: str, whose: str, seconds: float) -> Session | None:
        kept = self._find(pid)
        if kept is None or kept.record.get("whose") != whose:
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
