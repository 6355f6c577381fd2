"""Sessions of connections that can be restored: those of this process, and who claims them."""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from app.broker.contract import SessionStore
from app.core.closing import Closing
from app.core.errors import Unavailable
from app.core.identity import Identity
from app.core.session import Session, claimant_of
from app.tasks import Tasks
from app.transport.connection import Connection

_PID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
# A process that is killed tells nobody: what it had open is kept so many times the window.
_LEEWAY: Final = 1.5
_RENEWED_AT_ONCE: Final = 200


@dataclass(slots=True, eq=False)
class _Open:
    """A session and the connection that has it; `ended` once that has left all channels."""

    session: Session
    connection: Connection
    ended: asyncio.Future[None] | None = None


class Sessions:
    """Begin, claim and end sessions.

    One is saved when its rooms change rather than when its connection is lost, and renewed while
    the connection lives: it can so be restored after its process was killed, and before anybody
    has noticed that it is lost. Its connection is closed when another one claims it.

    Args:
        seconds: how long a dropped connection can be restored (`RECOVERY_SECONDS`); 0: never.
    """

    def __init__(self, store: SessionStore, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._open: dict[str, _Open] = {}  # by owner
        self._owners: dict[str, str] = {}  # by pid
        # What is over and couldn't be forgotten yet, and until when that is tried.
        self._unforgotten: dict[str, tuple[Session, float]] = {}
        self._tasks = Tasks("sessions")

    @property
    def enabled(self) -> bool:
        """Whether connections can be restored at all."""
        return self._seconds > 0

    def start(self) -> None:
        """Begin to renew what is open."""
        self._store.start(self)
        if self.enabled:
            self._tasks.add(self._renew_for_ever())

    async def close(self) -> None:
        """Stop renewing."""
        await self._tasks.cancel()

    async def begin(
        self, sid: str, namespace: str, identity: Identity, connection: Connection
    ) -> Session:
        """Return a new session. One that can't be saved now is saved when its rooms change."""
        session = Session(
            pid=secrets.token_urlsafe(24),
            owner=self._new_owner(),
            sid=sid,
            namespace=namespace,
            identity_id=identity.id,
            claimant=claimant_of(namespace, identity),
        )
        self._note(session, connection)
        with suppress(Unavailable):
            await self.save(session)
        return session

    async def claim(
        self, pid: str, namespace: str, identity: Identity, connection: Connection
    ) -> Session | None:
        """Return the session that a client comes back for, if there is one of its own.

        Its connection of before is closed, wherever it is; if it is in this process it has left all
        channels by then.

        Raises:
            Unavailable: that can't be told at the moment.
        """
        if not _PID.fullmatch(pid):
            return None
        claimant = claimant_of(namespace, identity)
        session = await self._store.claim(pid, self._new_owner(), claimant, self._seconds * _LEEWAY)
        if session is None:
            return None
        before = self._open.get(self._owners.get(pid, ""))
        self._note(session, connection)
        if before is not None:
            before.ended = asyncio.get_running_loop().create_future()
            before.connection.close(Closing.SUPERSEDED)
            await before.ended
        return session

    async def save(self, session: Session) -> None:
        """Keep a session as it is now. Raises `Unavailable`."""
        is_ours = await self._store.save(session, self._seconds * _LEEWAY)
        if not is_ours:
            self.on_claimed(session.owner)

    async def end(self, session: Session) -> None:
        """End a session whose connection has ended: for good, or until it comes back."""
        ended = self._open.pop(session.owner, None)
        if ended is not None and ended.ended is not None:
            ended.ended.set_result(None)
        if self._owners.get(session.pid) != session.owner:
            return  # it is somebody else's
        del self._owners[session.pid]
        if session.over:
            until = asyncio.get_running_loop().time() + self._seconds * _LEEWAY
            await self._forget(session, until)
            return
        with suppress(Unavailable):  # then it runs out by itself, a little later
            await self._store.save(session, self._seconds)

    def on_claimed(self, owner: str) -> None:
        """Close the connection of a session that another one owns by now: it is a ghost."""
        ghost = self._open.get(owner)
        if ghost is not None and self._owners.get(ghost.session.pid) == owner:
            del self._owners[ghost.session.pid]
            ghost.connection.close(Closing.SUPERSEDED)

    def _note(self, session: Session, connection: Connection) -> None:
        self._open[session.owner] = _Open(session, connection)
        self._owners[session.pid] = session.owner

    async def _forget(self, session: Session, until: float) -> None:
        self._unforgotten.pop(session.owner, None)
        try:
            await self._store.forget(session, 2 * self._seconds * _LEEWAY)
        except Unavailable:
            if asyncio.get_running_loop().time() < until:  # again before long: it can be claimed
                self._unforgotten[session.owner] = session, until

    def _new_owner(self) -> str:
        return f"{self._store.process}:{secrets.token_hex(8)}"

    async def _renew_for_ever(self) -> None:
        while True:
            # Twice before it runs out, should one of them fail.
            await asyncio.sleep(self._seconds * (_LEEWAY - 1) / 2)
            open_ = [self._open[owner].session for owner in self._owners.values()]
            for start in range(0, len(open_), _RENEWED_AT_ONCE):
                asked = [self.save(session) for session in open_[start : start + _RENEWED_AT_ONCE]]
                await asyncio.gather(*asked, return_exceptions=True)
            again = [self._forget(*over) for over in self._unforgotten.values()]
            await asyncio.gather(*again, return_exceptions=True)
