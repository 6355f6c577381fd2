"""The verbs of Hearth: everything that happens is a message passing through here, once.

A client, a worker or the server itself publishes; the broker orders and keeps; every publication
comes back through `Hub._receive`, in offset order, and the fan-out hands it to the members that
are connected to this process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog

from app.broker.base import Broker
from app.broker.record import after_loss
from app.core import access
from app.core.channel import Channel
from app.core.clock import isoformat
from app.core.counters import Counters
from app.core.errors import HearthError
from app.core.history import Page, Position, Recovery
from app.core.identity import Identity
from app.core.message import DISCONTINUITY, Message, Publication, Receipt
from app.core.presence import Members
from app.draft import Draft
from app.fanout import FanOut
from schemas.registry import MessageType, Registry

# Who joins a channel of thousands gets a count and the first of them, and so does everybody in it
# when they change: a list of all would cost members². `presence` has them all.
LISTED_MEMBERS: Final = 100

log = structlog.get_logger("hearth.hub")


@dataclass(slots=True, eq=False)
class Member:
    """One connection to one namespace, and the channels it has joined."""

    sid: str
    namespace: str
    identity: Identity
    channels: set[Channel] = field(default_factory=set)
    connected: bool = True


@dataclass(frozen=True, slots=True)
class Joined:
    """What a connection that joins gets; `members` is None where it may not see them."""

    recovery: Recovery
    members: Members | None


MembersChanged = Callable[[Channel, Identity, bool], Awaitable[None]]


class Hub:
    """Publish, join, leave, history and presence.

    Args:
        broker: orders and keeps; its `receive` becomes this hub's.
        fanout: the members in this process.
        registry: which types there are.
        clock: seconds since 1970.
        counters: of what happens, shared with the realtime side.
    """

    def __init__(
        self,
        broker: Broker,
        fanout: FanOut,
        registry: Registry,
        clock: Callable[[], float] = time.time,
        counters: Counters | None = None,
    ) -> None:
        self.counters = counters or Counters()
        self.registry = registry
        self.clock = clock
        self.members_changed: list[MembersChanged] = []
        self._broker = broker
        self._fanout = fanout
        # What arrives for connections that are joining, until they have read their history.
        self._held: dict[Channel, dict[str, list[Publication]]] = {}
        broker.receive = self._receive
        broker.changed = self._on_changed

    @property
    def ready(self) -> bool:
        """Whether publishing works at this moment."""
        return self._broker.ready

    def publish_as(self, identity: Identity, draft: Draft) -> Receipt | asyncio.Future[Receipt]:
        """Publish what a client sent, in its name.

        Returns:
            The receipt; or its future, as `Broker.publish_nowait`, and then have it counted.

        Raises:
            SchemaError: the type, channel or payload is not valid.
            Forbidden: the identity may not publish this here.
            Unavailable: the broker can't be reached.
        """
        channel = draft.channel
        message_type = self.registry.require(channel.namespace, draft.type)
        access.require_publish(identity, channel, draft.type, message_type.publishers)
        message = self._message(draft, message_type, for_workers=True)
        receipt = self._broker.publish_nowait(channel, message)
        if isinstance(receipt, Receipt):
            self._count(receipt, message_type)
        return receipt

    def prepare(self, draft: Draft) -> Message:
        """Return what `publish` would give to the broker. Raises `SchemaError`."""
        return self._message(draft, self.registry.require(draft.channel.namespace, draft.type))

    def count(self, draft: Draft, receipt: Receipt) -> None:
        """Count what was prepared and has been published."""
        self._count(receipt, self.registry.require(draft.channel.namespace, draft.type))

    async def publish(self, draft: Draft) -> Receipt:
        """Publish without asking who: for workers and for the server itself.

        Raises:
            SchemaError, Unavailable: as `publish_as`.
        """
        message_type = self.registry.require(draft.channel.namespace, draft.type)
        return await self._publish(draft.channel, self._message(draft, message_type), message_type)

    async def _publish(
        self, channel: Channel, message: Message, message_type: MessageType
    ) -> Receipt:
        receipt = await self._broker.publish(channel, message)
        self._count(receipt, message_type)
        return receipt

    def _count(self, receipt: Receipt, message_type: MessageType) -> None:
        if not receipt.duplicate:
            self.counters.published[message_type.key] += 1

    def _message(
        self, draft: Draft, message_type: MessageType, *, for_workers: bool = False
    ) -> Message:
        self.registry.check_channel(draft.channel.namespace, draft.channel.name)
        message_type.check(draft.data)
        published_at = self.clock()
        timestamp = isoformat(published_at)
        return Message(
            draft.type,
            draft.encode(timestamp),
            published_at,
            timestamp,
            message_type.kept,
            draft.nonce_key,
            for_workers,
        )

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
            SchemaError, Forbidden, Unavailable: as `publish_as`.
        """
        self.registry.check_channel(channel.namespace, channel.name)
        if not trusted:
            access.require_read(member.identity, channel)
        self._fanout.leave(member.sid, channel)  # who joins again would get the held ones twice
        held = self._held.setdefault(channel, {}).setdefault(member.sid, [])
        try:
            await self._broker.subscribe(channel)
            recovery = await self._broker.recover(channel, since, limit)
            joins = await self._broker.enter(channel, member.sid, member.identity)
            may_see = access.may_see_members(member.identity, channel)
            members = await self._broker.members(channel, LISTED_MEMBERS) if may_see else None
            yield Joined(recovery, members)
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
        leaves = await self._broker.exit(channel, member.sid, member.identity)
        if not self._fanout.has_members(channel) and channel not in self._held:
            await self._broker.unsubscribe(channel)
        return leaves

    async def leave(self, member: Member, channel: Channel) -> None:
        """End a membership; does nothing where there is none."""
        self._stop_holding(member, channel)  # when it is just joining: not any more
        if channel not in member.channels:
            return
        member.channels.remove(channel)
        self._fanout.leave(member.sid, channel)
        if await self._retract(member, channel):
            await self._tell_members_changed(channel, member.identity, joined=False)

    async def disconnect(self, member: Member) -> None:
        """End all memberships of a connection that is gone."""
        member.connected = False
        for channel in list(member.channels):
            try:
                await self.leave(member, channel)
            except HearthError as error:
                log.warning("could not leave", channel=str(channel), reason=error.code)

    async def history(
        self, identity: Identity, channel: Channel, before: int | None, limit: int
    ) -> Page:
        """Return a stretch of history. Raises as `joining` does."""
        self.registry.check_channel(channel.namespace, channel.name)
        access.require_read(identity, channel)
        return await self._broker.history(channel, before, limit)

    async def presence(self, identity: Identity, channel: Channel) -> Members:
        """Return who is in `channel`. Raises as `joining` does."""
        self.registry.check_channel(channel.namespace, channel.name)
        access.require_members(identity, channel)
        return await self._broker.members(channel)

    async def members(self, channel: Channel) -> Members:
        """Return who is in `channel`, to the server itself; the first of them only."""
        return await self._broker.members(channel, LISTED_MEMBERS)

    async def channels(self, namespace: str) -> list[Channel]:
        """Return the channels of `namespace` that somebody is in, in whichever process."""
        return await self._broker.channels(namespace)

    def _receive(self, channel: Channel, publication: Publication) -> None:
        for held in self._held.get(channel, {}).values():
            held.append(publication)
        self._fanout.deliver(channel, publication)

    async def _on_changed(self, channel: Channel, identity: Identity, joined: bool) -> None:
        await self._tell_members_changed(channel, identity, joined=joined)

    async def _tell_members_changed(
        self, channel: Channel, identity: Identity, *, joined: bool
    ) -> None:
        for listener in self.members_changed:
            try:
                await listener(channel, identity, joined)
            except HearthError as error:
                log.warning("could not tell of members", channel=str(channel), reason=error.code)
