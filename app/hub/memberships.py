"""Memberships: joining channels with neither gap nor overlap, and leaving them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from app.broker.contract import Broker, PresenceStore
from app.broker.record import after_loss
from app.core import access
from app.core.channel import Channel
from app.core.errors import Forbidden, HearthError, Unavailable
from app.core.history import Position, Recovery
from app.core.identity import Identity
from app.core.message import DISCONTINUITY, Publication
from app.core.presence import Members
from app.hub.fanout import FanOut
from app.hub.join_buffer import JoinBuffer
from app.hub.locks import KeyedLocks
from app.hub.member import Member
from app.hub.sessions import Sessions
from schemas.registry import Registry

# Members that joins and statuses list. All of them, sent to each member whenever one joins, would
# cost members²; the request `presence` lists all.
LISTED_MEMBERS: Final = 100
#: Channels that one connection may have joined at a time.
MOST_CHANNELS: Final = 10_000

log = structlog.get_logger("hearth.hub")


@dataclass(frozen=True, slots=True)
class Joined:
    """The result of joining; `members` is None if the identity may not see them."""

    recovery: Recovery
    members: Members | None


class Incomplete(Exception):
    """Something that a dropped connection has missed is no longer in history."""


class MembershipListener(Protocol):
    """A listener to identities that join and leave channels."""

    async def members_changed(self, channel: Channel, identity: Identity, joined: bool) -> None:
        """An identity has joined `channel` with its first connection, or left with its last."""


class Memberships:
    """The members in this process: they join channels, receive publications, and leave.

    Args:
        broker: orders and stores publications.
        presence: counts members over all processes.
        fanout: hands publications to members.
        registry: checks the names of channels.
        sessions: save the channels of members that can be restored.
    """

    def __init__(
        self,
        broker: Broker,
        presence: PresenceStore,
        fanout: FanOut,
        registry: Registry,
        sessions: Sessions,
    ) -> None:
        self.sessions = sessions
        self._registry = registry
        self._broker = broker
        self._presence = presence
        self._fanout = fanout
        self._listeners: tuple[MembershipListener, ...] = ()
        self._buffer = JoinBuffer()
        # A worker may make a connection enter a channel that it is just joining itself.
        self._locks = KeyedLocks()

    async def start(self, *listeners: MembershipListener) -> None:
        """Receive publications from now on, and notify `listeners` of joins and leaves."""
        self._listeners = listeners
        await self._broker.start(self)
        await self._presence.start(self)

    async def close(self) -> None:
        """Stop receiving publications."""
        await self._presence.close()
        await self._broker.close()

    # Events of the broker and the presence store

    def on_publication(self, channel: Channel, publication: Publication) -> None:
        self._buffer.add(channel, publication)
        self._fanout.deliver(channel, publication)

    async def on_presence(self, channel: Channel, identity: Identity, joined: bool) -> None:
        for listener in self._listeners:
            try:
                await listener.members_changed(channel, identity, joined)
            except HearthError as error:
                log.warning("could not publish a change", channel=str(channel), reason=error.code)

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

        Args:
            since, limit: as in `HistoryWindow.recover`.
            trusted: whether to skip the check of grants.

        Raises:
            SchemaError, Forbidden, Unavailable: as `Hub.publish_as`.
        """
        async with self._entering(member, channel, since, limit, trusted=trusted) as recovery:
            cursor = None
            session = member.session
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

        Raises:
            SchemaError, Forbidden, Unavailable: as `joining`.
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
            missed: list[tuple[Channel, Publication]] = []
            channels = member.session.channels() if member.session is not None else []
            for channel, position, trusted in channels:
                joining = self._entering(member, channel, position, None, trusted=trusted)
                recovery = await stack.enter_async_context(joining)
                if not recovery.recovered:
                    raise Incomplete
                missed += [(channel, publication) for publication in recovery.publications]
            missed.sort(key=lambda one: one[1].sequence)
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
    ) -> AsyncIterator[Recovery]:
        self._registry.check_channel(channel.namespace, channel.name)
        if not trusted:
            access.require_read(member.identity, channel)
        if len(member.channels) >= MOST_CHANNELS and channel not in member.channels:
            raise Forbidden(f"A connection joins at most {MOST_CHANNELS:,} channels at a time.")
        async with (
            self._locks.hold((member.sid, channel)),
            self._buffering(member, channel, since, limit) as recovery,
        ):
            yield recovery

    @asynccontextmanager
    async def _buffering(
        self, member: Member, channel: Channel, since: Position | None, limit: int | None
    ) -> AsyncIterator[Recovery]:
        """Buffer publications inside the block; at its end the connection becomes a member."""
        self._fanout.leave(member, channel)  # else a second join would deliver the buffer twice
        buffered = self._buffer.begin(member, channel)
        try:
            await self._broker.subscribe(channel)
            recovery = await self._broker.recover(channel, since, limit)
            joins = await self._presence.enter(channel, member.sid, member.identity)
            yield recovery
        except BaseException:
            self._buffer.end(member, channel)
            if channel in member.channels:  # it failed to join again, and stays a member
                self._go_live(member, channel, buffered, None)
            else:
                await self._retract(member, channel)
            raise
        wanted = self._buffer.end(member, channel)
        if not wanted or not member.connected:  # it left meanwhile, before anybody was notified
            await self._retract(member, channel)
            return
        member.channels.add(channel)
        self._go_live(member, channel, buffered, recovery.position)
        if joins:
            await self.on_presence(channel, member.identity, joined=True)

    def _go_live(
        self,
        member: Member,
        channel: Channel,
        buffered: list[Publication],
        position: Position | None,
    ) -> None:
        seen = position.offset if position else 0
        for publication in after_loss(buffered, position) if position else buffered:
            if publication.type == DISCONTINUITY:
                seen = 0  # a new epoch: offsets begin anew
            if publication.offset is None or publication.offset > seen:
                self._fanout.send(member, channel, publication)
        self._fanout.enter(member, channel)

    async def _retract(self, member: Member, channel: Channel) -> bool:
        """Leave in broker and presence; return whether that was the identity's last connection."""
        leaves = await self._presence.exit(channel, member.sid, member.identity)
        if not self._fanout.has_members(channel) and channel not in self._buffer:
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
        member.channels.remove(channel)
        self._fanout.leave(member, channel)
        if await self._retract(member, channel):
            await self.on_presence(channel, member.identity, joined=False)

    async def disconnect(self, member: Member) -> None:
        """Leave all channels of a closed connection; its session keeps their names."""
        member.leave()
        channels = list(member.channels)
        for channel in channels:  # at once: the broker may take a while
            self._fanout.leave(member, channel)
        try:
            for channel in channels:
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
