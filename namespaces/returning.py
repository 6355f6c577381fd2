"""Let dropped connections back in as what they were (contract §4, promise 8)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from app.core.channel import Channel
from app.core.errors import Forbidden
from app.core.identity import Identity
from app.core.message import Publication
from app.hub.hub import Hub
from app.hub.memberships import Incomplete, Member
from namespaces.turns import Turns
from schemas.errors import SchemaError


class Returning:
    """The connections of one namespace that are on their way back in.

    Args:
        path: of the namespace.
        joins: whose turn it is to have a connection join a channel.
    """

    def __init__(self, hub: Hub, path: str, joins: Turns) -> None:
        self._hub = hub
        self._path = path
        self._joins = joins
        # A client may come back twice, when it has lost its new connection too.
        self._turns = Turns()
        self._joining: dict[str, AsyncExitStack] = {}
        self._missed: dict[str, list[tuple[Channel, Publication]]] = {}

    async def admit(self, server: Any, sid: str, identity: Identity, auth: Any) -> Member:
        """Return the member that a new connection is; if it can be, the one that it was.

        Then `replay` and `finish` follow, or `give_up`.

        Args:
            server: the Socket.IO server, which gives the connection its former session id.
            auth: what its CONNECT packet holds.

        Raises:
            Unavailable: it can't be told at the moment; the client is to come again.
        """
        sessions = self._hub.memberships.sessions
        if not (sessions.enabled and isinstance(auth, Mapping) and auth.get("recover") is True):
            return Member(sid, self._path, identity)
        pid, offset = auth.get("pid"), auth.get("offset")
        if isinstance(pid, str) and isinstance(offset, str | None):
            member = await self._restore(server, sid, identity, pid, offset)
            self._hub.counters.returned["incomplete" if member is None else "recovered"] += 1
            if member is not None:
                return member
        session = await sessions.begin(sid, self._path, identity)
        server.restore(sid, session)
        return Member(sid, self._path, identity, session=session)

    def replay(self, member: Member) -> None:
        """Send what was missed."""
        for channel, publication in self._missed.pop(member.sid, ()):
            self._hub.memberships.send(member, channel, publication)

    async def finish(self, member: Member) -> bool:
        """Let a member that was restored go on with what is published; False if none was."""
        joining = self._joining.pop(member.sid, None)
        if joining is None:
            return False
        await joining.aclose()
        return True

    async def give_up(self, member: Member) -> None:
        """Undo what was begun for a connection that is lost again."""
        member.connected = False
        await self.finish(member)

    async def _restore(
        self, server: Any, sid: str, identity: Identity, pid: str, offset: str | None
    ) -> Member | None:
        hub = self._hub
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._turns.take(pid))
            session = await hub.memberships.sessions.claim(pid, self._path, identity)
            if session is None:
                return None
            try:
                await server.supersede(session)
                if identity.stranger:
                    identity = replace(identity, id=session.identity_id)
                for channel, _position, _trusted in session.channels():
                    await stack.enter_async_context(self._joins.take((session.sid, channel)))
                member = Member(session.sid, self._path, identity, session=session)
                if not session.resume(offset):
                    raise Incomplete
                missed = await stack.enter_async_context(hub.memberships.restoring(member, session))
            except (Incomplete, Forbidden, SchemaError):
                session.over = True
                await hub.memberships.sessions.end(session)
                return None
            except BaseException:  # perhaps the next time
                await hub.memberships.sessions.end(session)
                raise
            server.restore(sid, session)
            self._missed[session.sid] = missed
            self._joining[session.sid] = stack.pop_all()
            return member
