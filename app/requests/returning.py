"""Coming back: a dropped connection is let in as what it was (native recovery)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from app.core.channel import Channel
from app.core.errors import Forbidden
from app.core.message import Publication
from app.hub.hub import Hub
from app.hub.locks import KeyedLocks
from app.hub.member import Member
from app.hub.memberships import Incomplete
from app.transport.room import Encoding
from schemas.errors import SchemaError


class Restored(NamedTuple):
    """What a connection is let in as.

    Args:
        missed: what it has missed, in the order of publishing; None: it is new.
    """

    member: Member
    missed: list[tuple[Channel, Publication]] | None


class Returning:
    """Lets connections in, as what they were where they come back for a session.

    Args:
        encoding: of members that can be restored.
    """

    def __init__(self, hub: Hub, encoding: Encoding) -> None:
        self._memberships = hub.memberships
        self._sessions = hub.memberships.sessions
        self._counters = hub.counters
        self._encoding = encoding
        # A client may come back twice, when it has lost its new connection too.
        self._locks = KeyedLocks()

    @asynccontextmanager
    async def admitting(self, member: Member, auth: Any) -> AsyncIterator[Restored]:
        """Let a new connection in. One that comes back is what it was: it has its former session
        id, and at the end of the block it is a member of its channels again.

        Args:
            auth: what its CONNECT packet holds.

        Returns:
            What it is let in as: what it has missed is sent inside the block.

        Raises:
            Unavailable: whether it comes back can't be told at the moment.
        """
        if not (
            self._sessions.enabled and isinstance(auth, Mapping) and auth.get("recover") is True
        ):
            yield Restored(member, None)
            return
        pid, offset = auth.get("pid"), auth.get("offset")
        async with AsyncExitStack() as stack:
            restored: Restored | None = None
            if isinstance(pid, str) and isinstance(offset, str | None):
                restored = await self._restore(stack, member, pid, offset)
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
        if identity.stranger:  # the same one again
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
        except BaseException:  # perhaps the next time
            await self._sessions.end(session)
            raise
        return Restored(member, missed)
