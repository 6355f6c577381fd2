"""Native recovery: dropped connections are restored (docs/protocol.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Any, NamedTuple

from app.core.channel import Channel
from app.core.errors import Forbidden
from app.core.identity import Identity
from app.core.message import Publication
from app.hub.hub import Hub
from app.hub.joined import Incomplete
from app.hub.locks import KeyedLocks
from app.hub.member import Member
from app.transport.connection import Connection
from app.transport.room import Encoding
from schemas.errors import SchemaError


class Restored(NamedTuple):
    """An admitted member.

    Args:
        missed: what it has missed, in the order of publishing; None if it is new.
    """

    member: Member
    missed: list[tuple[Channel, Publication]] | None


class Returning:
    """Admits connections, and restores those that come back for their session.

    Args:
        encoding: of members that can be restored.
    """

    def __init__(self, hub: Hub, encoding: Encoding) -> None:
        self._memberships = hub.memberships
        self._sessions = hub.memberships.sessions
        self._counters = hub.counters
        self._encoding = encoding
        # A client may come back twice at once, if its new connection was lost too.
        self._locks = KeyedLocks()

    def former(self, auth: Any, namespace: str, identity: Identity) -> Connection | None:
        """Return the connection in this process whose session a client comes back for: `admitting`
        closes it."""
        session = self._session_of(auth)
        return None if session is None else self._sessions.holder(session[0], namespace, identity)

    def returns(self, auth: Any) -> bool:
        """Tell whether a client comes back for a session."""
        return self._session_of(auth) is not None

    def _session_of(self, auth: Any) -> tuple[str, str | None] | None:
        """Return the pid and the offset string that a client brings, if it brings a pid."""
        if not self._asks(auth):
            return None
        pid, offset = auth.get("pid"), auth.get("offset")
        if isinstance(pid, str) and isinstance(offset, str | None):
            return pid, offset
        return None

    def _asks(self, auth: Any) -> bool:
        """Tell whether a client wants to be restorable."""
        asks = isinstance(auth, Mapping) and auth.get("recover") is True
        return asks and self._sessions.enabled

    def admitting(self, member: Member, auth: Any) -> AbstractAsyncContextManager[Restored]:
        """Admit a new connection. A restored one has its former session id, and is a member of its
        channels again at the end of the block.

        Args:
            auth: the payload of its CONNECT packet.

        Returns:
            The member; what it has missed is to be sent inside the block.

        Raises:
            Unavailable: the store or the broker can't be reached, so it may not be known yet
                whether it can be restored.
        """
        if not self._asks(auth):
            return nullcontext(Restored(member, None))
        return self._admitting(member, self._session_of(auth))

    @asynccontextmanager
    async def _admitting(
        self, member: Member, session_of: tuple[str, str | None] | None
    ) -> AsyncIterator[Restored]:
        async with AsyncExitStack() as stack:
            restored: Restored | None = None
            if session_of is not None:
                restored = await self._restore(stack, member, *session_of)
                outcome = "incomplete" if restored is None else "recovered"
                self._counters.returned[outcome] += 1
            if restored is None:
                session = await self._sessions.begin(
                    member.sid, member.namespace, member.identity, member.connection
                )
                member = replace(member, session=session, encoding=self._encoding)
                restored = Restored(member, None)
            try:
                yield restored
            except BaseException:
                if restored.member.session is not None:
                    await self._sessions.end(restored.member.session)
                raise

    async def _restore(
        self, stack: AsyncExitStack, new: Member, pid: str, offset: str | None
    ) -> Restored | None:
        await stack.enter_async_context(self._locks.hold(pid))
        session = await self._sessions.claim(pid, new.namespace, new.identity, new.connection)
        if session is None:
            return None
        identity = new.identity
        if identity.stranger:  # it gets its former id
            identity = replace(identity, id=session.identity_id)
        member = replace(
            new, sid=session.sid, identity=identity, session=session, encoding=self._encoding
        )
        try:
            if not session.resume(offset):
                raise Incomplete
            missed = await stack.enter_async_context(self._memberships.restoring(member))
        except (Incomplete, Forbidden, SchemaError):
            session.finish()
            await self._sessions.end(session)
            return None
        except BaseException:  # the next attempt may succeed
            await self._sessions.end(session)
            raise
        return Restored(member, missed)
