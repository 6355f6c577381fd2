"""Memberships: joining channels with neither gap nor overlap, and leaving them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

import structlog

from app.broker.contract import Broker, PresenceStore
from app.core import access
from app.core.channel import Channel
from app.core.errors import HearthError, Unavailable
from app.core.history import MOST_ANSWER_BYTES, Position
from app.core.identity import Identity
from app.core.merging import Read, merge
from app.core.message import Publication
from app.hub.catch_up import CatchUp
from app.hub.fanout import FanOut
from app.hub.join_buffer import JoinBuffer
from app.hub.joined import Incomplete, Joined, Joining
from app.hub.joined_channels import JoinedChannels
from app.hub.locks import KeyedLocks
from app.hub.member import Member, MembershipListener
from app.hub.sessions import Sessions
from app.tasks import in_turns
from schemas.registry import Registry

# Members that joins and statuses list. All of them, sent to each member whenever one joins, would
# cost members²; the request `presence` lists all.
LISTED_MEMBERS: Final = 100

log = structlog.get_logger("hearth.hub")


class Memberships:
    """The members in this process: they join channels, receive publications, and leave.

    Args:
        broker: orders and stores publications.
        presence: counts members over all processes.
        fanout: hands publications to members.
        registry: checks the names of channels.
        sessions: save the channels of members that can be restored.
        answer_bytes: of messages that one answer holds at most.
        clock: seconds since 1970.
        most_channels: as `JoinedChannels`'.
    """

    def __init__(
        self,
        broker: Broker,
        presence: PresenceStore,
        fanout: FanOut,
        registry: Registry,
        sessions: Sessions,
        answer_bytes: int = MOST_ANSWER_BYTES,
        clock: Callable[[], float] = time.time,
        most_channels: int = 0,
    ) -> None:
        self.sessions = sessions
        self._joined = JoinedChannels(most_channels)
        self._answer_bytes = answer_bytes
        self._registry = registry
        self._broker = broker
        self._presence = presence
        self._fanout = fanout
        self._listeners: tuple[MembershipListener, ...] = ()
        self._buffer = JoinBuffer()
        self._catch_up = CatchUp(broker, fanout, answer_bytes // 4, clock)
        # A worker may make a connection enter a channel that it is just joining itself.
        self._locks = KeyedLocks()

    async def start(self, *listeners: MembershipListener) -> None:
        """Receive publications from now on, and notify `listeners` of joins and leaves."""
        self._listeners = listeners
        await self._broker.start(self)
        await self._presence.start(self)

    async def close(self) -> None:
        """Stop receiving publications."""
        await self._catch_up.close()
        await self._presence.close()
        await self._broker.close()

    # Events of the broker and the presence store

    def on_publication(self, channel: Channel, publication: Publication) -> None:
        self._buffer.add(channel, publication)
        self._catch_up.on_publication(channel, publication)
        self._fanout.deliver(channel, publication)

    async def on_presence(self, channel: Channel, identity: Identity, joined: bool) -> None:
        for listener in self._listeners:
            try:
                await listener.members_changed(channel, identity, joined)
            except Exception as error:  # who joins or leaves has done so all the same
                is_defect = not isinstance(error, HearthError)
                log.warning("could not publish a change", channel=str(channel), exc_info=is_defect)

    # Joining

    @asynccontextmanager
    async def joining(
        self,
        member: Member,
        channel: Channel,
        since: Position | None,
        limit: int | None,
        *,
        trusted: bool = False,
    ) -> AsyncIterator[Joined]:
        """Make a connection a member of `channel`.

        What is published meanwhile is buffered, and delivered in order at the end of the block:
        send the result to the client inside the block, and it sees neither a gap nor an overlap.
        What the result doesn't hold of history is delivered before that, as the client reads.

        Args:
            since, limit: as in `HistoryWindow.recover`.
            trusted: whether to skip the check of grants.

        Raises:
            SchemaError, Forbidden, Unavailable: as `Hub.publish_as`.
        """
        async with self._entering(member, channel, since, limit, trusted=trusted) as joining:
            recovery, session, cursor = joining.recovery, member.session, None
            if session is not None:
                cursor = session.enter(channel.name, recovery.position, trusted=trusted)
            try:
                if session is not None:
                    await self.sessions.save(session)
                may_see = access.may_see_members(member.identity, channel)
                members = await self._presence.members(channel, LISTED_MEMBERS) if may_see else None
                yield Joined(recovery, members)
            except BaseException:
                if session is not None:
                    session.restore_cursor(channel.name, cursor)
                raise

    async def enter(self, member: Member, channel: Channel, *, trusted: bool = False) -> None:
        """Make a connection a member of `channel` without history; does nothing if it is one.

        Raises as `joining` does.
        """
        async with self._locks.hold((member.sid, channel, "enter")):
            if channel not in member.channels:
                async with self.joining(member, channel, None, None, trusted=trusted):
                    pass

    @asynccontextmanager
    async def restoring(self, member: Member) -> AsyncIterator[list[tuple[Channel, Publication]]]:
        """Make a connection a member of all channels of its session, from its cursor in each.

        Returns:
            What it has missed, in the order of publishing: send it inside the block.

        Raises:
            Incomplete: something is no longer in history; it has joined none.
            Forbidden: it may no longer read one of the channels; it has joined none.
            Unavailable: the broker can't be reached.
        """
        async with AsyncExitStack() as stack:
            joinings: dict[Channel, Joining] = {}
            reads: dict[Channel, Read] = {}
            channels = member.session.channels() if member.session is not None else []
            for channel, position, trusted in channels:
                joining = joinings[channel] = await stack.enter_async_context(
                    self._entering(
                        member, channel, position, None, trusted=trusted, parts=len(channels)
                    )
                )
                if not joining.recovery.recovered:
                    raise Incomplete
                reads[channel] = Read(position, joining.recovery)
            missed, reached = merge(reads)
            for channel, recovery in reached.items():
                joinings[channel].recovery = recovery
            yield missed

    @asynccontextmanager
    async def _entering(
        self,
        member: Member,
        channel: Channel,
        since: Position | None,
        limit: int | None,
        *,
        trusted: bool,
        parts: int = 1,
    ) -> AsyncIterator[Joining]:
        """Buffer publications inside the block; at its end the connection becomes a member."""
        self._registry.check_channel(channel)
        if not trusted:
            access.require_read(member.identity, channel)
        self._joined.require_room(member, channel)
        async with self._locks.hold((member.sid, channel)):
            self._fanout.leave(member, channel)  # else a second join would deliver the buffer twice
            was_behind_at = self._catch_up.end(member, channel)
            buffered = self._buffer.begin(member, channel)
            try:
                await self._broker.subscribe(channel)
                joining = Joining(
                    await self._broker.recover(channel, since, limit, self._answer_bytes // parts)
                )
                joins = await self._presence.enter(channel, member.sid, member.identity)
                yield joining
            except BaseException:
                self._buffer.end(member, channel)
                if channel not in member.channels:
                    await self._retract(member, channel)
                elif was_behind_at is not None:  # it failed to join again, and stays what it was
                    self._catch_up.begin(member, channel, was_behind_at)
                else:
                    self._fanout.go_live(member, channel, None, buffered)
                raise
            wanted = self._buffer.end(member, channel)
            if not wanted or not member.connected:  # it left meanwhile, before anybody was notified
                await self._retract(member, channel)
                return
            self._joined.add(member, channel)
            recovery = joining.recovery
            if recovery.following:
                self._catch_up.begin(member, channel, recovery.position)
            else:
                self._fanout.go_live(member, channel, recovery.position, buffered)
            if joins:
                await self.on_presence(channel, member.identity, joined=True)

    async def _retract(self, member: Member, channel: Channel) -> bool:
        """Leave in broker and presence; return whether that was the identity's last connection."""
        leaves = await self._presence.exit(channel, member.sid, member.identity)
        if not any(channel in some for some in (self._fanout, self._buffer, self._catch_up)):
            await self._broker.unsubscribe(channel)
        return leaves

    # Leaving

    async def leave(self, member: Member, channel: Channel) -> None:
        """Leave `channel`; does nothing if the member isn't in it."""
        if (session := member.session) is not None and channel.name in session.cursors:
            session.leave(channel.name)
            with suppress(Unavailable):  # it is renewed before long
                await self.sessions.save(session)
        await self._leave(member, channel)

    async def _leave(self, member: Member, channel: Channel) -> None:
        self._buffer.end(member, channel)  # if it is just joining, the join is given up
        if channel not in member.channels:
            return
        self._joined.remove(member, channel)
        self._fanout.leave(member, channel)
        self._catch_up.end(member, channel)
        if await self._retract(member, channel):
            await self.on_presence(channel, member.identity, joined=False)

    async def disconnect(self, member: Member) -> None:
        """Leave all channels of a closed connection; its session keeps their names."""
        member.leave()
        channels = list(member.channels)
        for channel in channels:  # at once: the broker may take a while
            self._fanout.leave(member, channel)
            self._catch_up.end(member, channel)
        try:
            async for channel in in_turns(channels):
                try:
                    await self._leave(member, channel)
                except HearthError as error:
                    log.warning("could not leave", channel=str(channel), reason=error.code)
        finally:  # a connection that claims the session waits for this
            if member.session is not None:
                await self.sessions.end(member.session)

    # For the ways in

    def send(self, member: Member, channel: Channel, publication: Publication) -> None:
        """Send one member a publication that it has missed."""
        self._fanout.send(member, channel, publication)

    def sids(self, channel: Channel) -> Iterator[str]:
        """Yield the session ids of the members of `channel` here, after writing pending frames."""
        return self._fanout.sids(channel)
