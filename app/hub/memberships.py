"""Who is in which channel: joining with neither gap nor overlap, and leaving."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
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
from app.core.session import Session
from app.hub.fanout import FanOut
from app.hub.sessions import Sessions
from schemas.registry import Registry

# Who joins a channel of thousands gets a count and the first of them, and so does everybody in it
# when they change: a list of all would cost members². `presence` has them all.
LISTED_MEMBERS: Final = 100
#: A connection joins at most so many channels at a time.
MOST_CHANNELS: Final = 10_000

log = structlog.get_logger("hearth.hub")


@dataclass(slots=True, eq=False)
class Member:
    """One connection to one namespace, and the channels it has joined.

    Args:
        session: by which it can be restored once it is lost, if it asked for that.
    """

    sid: str
    namespace: str
    identity: Identity
    channels: set[Channel] = field(default_factory=set)
    connected: bool = True
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """What a connection that joins gets; `members` is None where it may not see them."""

    recovery: Recovery
    members: Members | None


class Incomplete(Exception):
    """Not everything that a dropped connection has missed can be had any more."""


class MembershipListener(Protocol):
    """Who is told that identities join and leave channels."""

    async def members_changed(self, channel: Channel, identity: Identity, joined: bool) -> None:
        """An identity has joined `channel` with its first connection, or left with its last."""


class Memberships:
    """The members of channels that are connected to this process: they join, receive, and leave.

    Args:
        broker: orders and keeps what they receive.
        presence: knows who is where, over all processes.
        fanout: hands them what they receive.
        registry: which channels there are.
        sessions: where it is saved which channels a member with a session has joined.
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
        # What arrives for connections that are joining, until they have read their history.
        self._held: dict[Channel, dict[str, list[Publication]]] = {}

    async def start(self, *listeners: MembershipListener) -> None:
        """Begin to receive, and to tell `listeners` who joins and leaves."""
        self._listeners = listeners
        await self._broker.start(self)
        await self._presence.start(self)

    async def close(self) -> None:
        """Stop what `start` began."""
        await self._presence.close()
        await self._broker.close()

    # What the broker and the presence store tell

    def on_publication(self, channel: Channel, publication: Publication) -> None:
        for held in self._held.get(channel, {}).values():
            held.append(publication)
        self._fanout.deliver(channel, publication)

    async def on_presence(self, channel: Channel, identity: Identity, joined: bool) -> None:
        await self._tell_members_changed(channel, identity, joined=joined)

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

        What is published meanwhile is held until the block ends, and then follows in order: hand
        the result to the client inside the block, and it sees neither a gap nor an overlap
        (contract §4, promise 3).

        Args:
            since, limit: as in `HistoryWindow.recover`.
            trusted: whether it may, whatever it was granted.

        Raises:
            SchemaError, Forbidden, Unavailable: as `Hub.publish_as`.
        """
        async with self._joining(member, channel, since, limit, trusted=trusted) as recovery:
            place = None
            session = member.session
            if session is not None:
                place = session.enter(channel.name, recovery.position, trusted=trusted)
            try:
                if session is not None:
                    await self.sessions.save(session)
                may_see = access.may_see_members(member.identity, channel)
                members = await self._presence.members(channel, LISTED_MEMBERS) if may_see else None
                yield Joined(recovery, members)
            except BaseException:
                if session is not None:
                    session.put_back(channel.name, place)
                raise

    @asynccontextmanager
    async def restoring(
        self, member: Member, session: Session
    ) -> AsyncIterator[list[tuple[Channel, Publication]]]:
        """Make a connection a member of all channels of a session, from where it was in each.

        Returns:
            What it has missed, in the order of publishing: send it inside the block.

        Raises:
            Incomplete: not everything can be had, and it is a member of none.
            Forbidden: it may not be in one of them any more.
            Unavailable: the broker can't be reached.
        """
        member.session = session
        async with AsyncExitStack() as stack:
            missed: list[tuple[Channel, Publication]] = []
            for channel, position, trusted in session.channels():
                joining = self._joining(member, channel, position, None, trusted=trusted)
                recovery = await stack.enter_async_context(joining)
                if not recovery.recovered:
                    raise Incomplete
                missed += [(channel, publication) for publication in recovery.publications]
            missed.sort(key=lambda one: one[1].sequence)
            yield missed

    @asynccontextmanager
    async def _joining(
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
        self._fanout.leave(member.sid, channel)  # who joins again would get the held ones twice
        held = self._held.setdefault(channel, {}).setdefault(member.sid, [])
        try:
            await self._broker.subscribe(channel)
            recovery = await self._broker.recover(channel, since, limit)
            joins = await self._presence.enter(channel, member.sid, member.identity)
            yield recovery
        except BaseException:
            self._stop_holding(member, channel)
            if channel in member.channels:  # it joined again, in vain: it stays what it was
                self._go_live(member, channel, held, None)
            else:
                await self._retract(member, channel)
            raise
        wanted = self._stop_holding(member, channel)
        if not wanted or not member.connected:  # it left meanwhile, and nobody has heard of it
            await self._retract(member, channel)
            return
        member.channels.add(channel)
        self._go_live(member, channel, held, recovery.position)
        if joins:
            await self._tell_members_changed(channel, member.identity, joined=True)

    def _stop_holding(self, member: Member, channel: Channel) -> bool:
        joining = self._held.get(channel, {})
        wanted = joining.pop(member.sid, None) is not None
        if not joining:
            self._held.pop(channel, None)
        return wanted

    def _go_live(
        self, member: Member, channel: Channel, held: list[Publication], position: Position | None
    ) -> None:
        seen = position.offset if position else 0
        for publication in after_loss(held, position) if position else held:
            if publication.type == DISCONTINUITY:
                seen = 0  # what follows counts anew
            if publication.offset is None or publication.offset > seen:
                self._fanout.send(member.sid, channel, publication)
        self._fanout.enter(member.sid, channel)

    async def _retract(self, member: Member, channel: Channel) -> bool:
        """Undo what joining did to the broker; tell whether the identity so leaves."""
        leaves = await self._presence.exit(channel, member.sid, member.identity)
        if not self._fanout.has_members(channel) and channel not in self._held:
            await self._broker.unsubscribe(channel)
        return leaves

    # Leaving

    async def leave(self, member: Member, channel: Channel) -> None:
        """End a membership; does nothing where there is none."""
        if (session := member.session) is not None and channel.name in session.places:
            session.leave(channel.name)
            with suppress(Unavailable):  # it is saved again before long
                await self.sessions.save(session)
        await self._leave(member, channel)

    async def _leave(self, member: Member, channel: Channel) -> None:
        self._stop_holding(member, channel)  # when it is just joining: not any more
        if channel not in member.channels:
            return
        member.channels.remove(channel)
        self._fanout.leave(member.sid, channel)
        if await self._retract(member, channel):
            await self._tell_members_changed(channel, member.identity, joined=False)

    async def disconnect(self, member: Member) -> None:
        """End all memberships of a connection that is gone; its session still tells of them."""
        member.connected = False
        for channel in list(member.channels):
            try:
                await self._leave(member, channel)
            except HearthError as error:
                log.warning("could not leave", channel=str(channel), reason=error.code)
        if member.session is not None:
            await self.sessions.end(member.session)

    def send(self, member: Member, channel: Channel, publication: Publication) -> None:
        """Send one connection what it has missed."""
        self._fanout.send(member.sid, channel, publication)

    async def _tell_members_changed(
        self, channel: Channel, identity: Identity, *, joined: bool
    ) -> None:
        for listener in self._listeners:
            try:
                await listener.members_changed(channel, identity, joined)
            except HearthError as error:
                log.warning("could not tell of members", channel=str(channel), reason=error.code)
