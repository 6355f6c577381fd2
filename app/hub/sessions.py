"""Sessions: begun, saved, renewed, and claimed by the connections that come back."""

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
# Sessions of open connections are stored for this multiple of the window: a process that is
# killed can't say when its connections were lost.
_LEEWAY: Final = 1.5
_RENEWALS_AT_ONCE: Final = 200


@dataclass(slots=True, eq=False)
class _Open:
    """A session and its connection; `left` is done once that has left all channels."""

    session: Session
    connection: Connection
    left: asyncio.Future[None] | None = None


class Sessions:
    """The sessions of this process's connections.

    A session is saved whenever its channels change, not when its connection is lost, and renewed
    while the connection is open: so it can be restored after its process was killed, and before
    anybody has noticed the loss. Its connection is closed when another one claims it.

    Args:
        seconds: how long a dropped connection can be restored (`RECOVERY_SECONDS`); 0: never.
    """

    def __init__(self, store: SessionStore, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._open: dict[str, _Open] = {}  # by owner
        self._owners: dict[str, str] = {}  # by pid
        # Sessions that are over and couldn't be deleted yet, by owner, and until when to retry.
        self._to_forget: dict[str, tuple[Session, float]] = {}
        self._tasks = Tasks("sessions")

    @property
    def enabled(self) -> bool:
        """Whether connections can be restored at all."""
        return self._seconds > 0

    def start(self) -> None:
        """Renew open sessions from now on."""
        self._store.start(self)
        if self.enabled:
            self._tasks.add(self._renew_for_ever())

    async def close(self) -> None:
        """Stop renewing."""
        await self._tasks.cancel()

    async def begin(
        self, sid: str, namespace: str, identity: Identity, connection: Connection
    ) -> Session:
        """Return a new session. If it can't be saved now, it is when its channels change."""
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
        """Return the session that a client comes back for, if it exists and is the client's.

        The session's former connection is closed, in any process; in this process it has left all
        channels when this returns.

        Raises:
            Unavailable: the store can't be reached.
        """
        if not _PID.fullmatch(pid):
            return None
        claimant = claimant_of(namespace, identity)
        session = await self._store.claim(pid, self._new_owner(), claimant, self._seconds * _LEEWAY)
        if session is None:
            return None
        former = self._open.get(self._owners.get(pid, ""))
        self._note(session, connection)
        if former is not None:
            former.left = asyncio.get_running_loop().create_future()
            former.connection.close(Closing.SUPERSEDED)
            try:
                await asyncio.shield(former.left)
            except BaseException:
                await self.end(session)
                raise
        return session

    def holder(self, pid: str, namespace: str, identity: Identity) -> Connection | None:
        """Return the connection to this process that has a session, which `claim` would close."""
        held = self._open.get(self._owners.get(pid, ""))
        if held is None or held.session.claimant != claimant_of(namespace, identity):
            return None
        return held.connection

    async def save(self, session: Session) -> None:
        """Store a session as it is now. Raises `Unavailable`."""
        is_ours = await self._store.save(session, self._seconds * _LEEWAY)
        if not is_ours:
            self.on_claimed(session.owner)

    async def end(self, session: Session) -> None:
        """Release the session of a closed connection: for good, or until it is claimed."""
        released = self._open.pop(session.owner, None)
        if released is not None and released.left is not None:
            released.left.set_result(None)
        if self._owners.get(session.pid) != session.owner:
            return  # another connection has claimed it
        del self._owners[session.pid]
        if session.over:
            until = asyncio.get_running_loop().time() + self._seconds * _LEEWAY
            await self._forget(session, until)
            return
        with suppress(Unavailable):  # then it expires by itself, a little later
            await self._store.save(session, self._seconds)

    def on_claimed(self, owner: str) -> None:
        """Close the connection of a session that another one has claimed."""
        former = self._open.get(owner)
        if former is not None and self._owners.get(former.session.pid) == owner:
            del self._owners[former.session.pid]
            former.connection.close(Closing.SUPERSEDED)

    def _note(self, session: Session, connection: Connection) -> None:
        self._open[session.owner] = _Open(session, connection)
        self._owners[session.pid] = session.owner

    async def _forget(self, session: Session, until: float) -> None:
        self._to_forget.pop(session.owner, None)
        try:
            await self._store.forget(session, 2 * self._seconds * _LEEWAY)
        except Unavailable:
            if asyncio.get_running_loop().time() < until:  # retried soon: it could be claimed
                self._to_forget[session.owner] = session, until

    def _new_owner(self) -> str:
        return f"{self._store.process}:{secrets.token_hex(8)}"

    async def _renew_for_ever(self) -> None:
        while True:
            # Twice before it expires, in case one attempt fails.
            await asyncio.sleep(self._seconds * (_LEEWAY - 1) / 2)
            open_ = [self._open[owner].session for owner in self._owners.values()]
            for start in range(0, len(open_), _RENEWALS_AT_ONCE):
                chunk = open_[start : start + _RENEWALS_AT_ONCE]
                saving = [self.save(session) for session in chunk]
                await asyncio.gather(*saving, return_exceptions=True)
            retries = [self._forget(*over) for over in self._to_forget.values()]
            await asyncio.gather(*retries, return_exceptions=True)
