"""Dropped connections that can be restored (contract §4, promise 8), and for how long."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from app.background import Tasks
from app.broker.contract import SessionStore
from app.core.errors import Unavailable
from app.core.identity import Identity
from app.core.session import Session, whose_session

_PID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
# A process that is killed tells nobody: what it had open is kept so many times the window.
_LEEWAY: Final = 1.5
_RENEWED_AT_ONCE: Final = 200


class Sessions:
    """Begin, claim and end sessions.

    One is saved when its rooms change rather than when its connection is lost, and renewed while
    the connection lives: it can so be restored after its process was killed, and before anybody
    has noticed that it is lost.

    Args:
        seconds: how long a dropped connection can be restored (`RECOVERY_SECONDS`); 0: never.
    """

    def __init__(self, store: SessionStore, seconds: float) -> None:
        self._store = store
        self._claimed: Callable[[Session], None] | None = None
        self._seconds = seconds
        self._open: dict[str, Session] = {}
        # What is over and couldn't be forgotten yet, and until when that is tried.
        self._unforgotten: dict[str, tuple[Session, float]] = {}
        self._tasks = Tasks()

    @property
    def enabled(self) -> bool:
        """Whether connections can be restored at all."""
        return self._seconds > 0

    def start(self, claimed: Callable[[Session], None]) -> None:
        """Begin to renew what is open.

        Args:
            claimed: told of each session that another process has claimed: its connection here is
                a ghost.
        """
        self._claimed = claimed
        self._store.start(self)
        if self.enabled:
            self._tasks.add(self._renew_for_ever())

    async def close(self) -> None:
        """Stop renewing."""
        await self._tasks.cancel()

    async def begin(self, sid: str, namespace: str, identity: Identity) -> Session:
        """Return a new session. One that can't be saved now is saved when its rooms change."""
        whose = whose_session(namespace, identity)
        session = Session(
            *(secrets.token_urlsafe(24), self._new_owner()),
            *(sid, namespace, identity.id, whose),
        )
        self._open[session.owner] = session
        with suppress(Unavailable):
            await self.save(session)
        return session

    async def claim(self, pid: str, namespace: str, identity: Identity) -> Session | None:
        """Return the session that a client comes back for, if there is one of its own.

        Raises:
            Unavailable: that can't be told at the moment.
        """
        if not _PID.fullmatch(pid):
            return None
        session = await self._store.claim(
            *(pid, self._new_owner(), whose_session(namespace, identity)),
            self._seconds * _LEEWAY,
        )
        if session is not None:
            self._open[session.owner] = session
        return session

    async def save(self, session: Session) -> None:
        """Keep a session as it is now. Raises `Unavailable`."""
        is_ours = await self._store.save(session, self._seconds * _LEEWAY)
        if not is_ours:
            self.on_claimed(session.owner)

    async def end(self, session: Session) -> None:
        """End a session whose connection has ended: for good, or until it comes back."""
        if self._open.pop(session.owner, None) is None:
            return  # it is somebody else's
        if session.over:
            until = asyncio.get_running_loop().time() + self._seconds * _LEEWAY
            await self._forget(session, until)
            return
        with suppress(Unavailable):  # then it runs out by itself, a little later
            await self._store.save(session, self._seconds)

    async def _forget(self, session: Session, until: float) -> None:
        self._unforgotten.pop(session.owner, None)
        try:
            await self._store.forget(session, 2 * self._seconds * _LEEWAY)
        except Unavailable:
            if asyncio.get_running_loop().time() < until:  # again before long: it can be claimed
                self._unforgotten[session.owner] = session, until

    def on_claimed(self, owner: str) -> None:
        """Let go of a session that another connection owns by now."""
        session = self._open.pop(owner, None)
        if session is not None and self._claimed is not None:
            self._claimed(session)

    def _new_owner(self) -> str:
        return f"{self._store.process}:{secrets.token_hex(8)}"

    async def _renew_for_ever(self) -> None:
        while True:
            # Twice before it runs out, should one of them fail.
            await asyncio.sleep(self._seconds * (_LEEWAY - 1) / 2)
            open_ = list(self._open.values())
            for start in range(0, len(open_), _RENEWED_AT_ONCE):
                asked = [self.save(session) for session in open_[start : start + _RENEWED_AT_ONCE]]
                await asyncio.gather(*asked, return_exceptions=True)
            again = [self._forget(*over) for over in self._unforgotten.values()]
            await asyncio.gather(*again, return_exceptions=True)
