"""The verbs of Hearth: everything that happens is a message passing through here, once.

A client, a worker or the server itself publishes; the broker orders and keeps; every publication
comes back through `Hub._receive`, in offset order, and the fan-out hands it to the members that
are connected to this process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from app.broker.base import Broker
from app.broker.sessions import MemorySessions
from app.core import access
from app.core.channel import Channel
from app.core.clock import isoformat
from app.core.counters import Counters
from app.core.history import Page
from app.core.identity import Identity
from app.core.message import Message, Receipt
from app.core.presence import Members
from app.hub.draft import Draft
from app.hub.fanout import FanOut
from app.hub.membership import LISTED_MEMBERS, Memberships
from app.hub.sessions import Sessions
from schemas.registry import MessageType, Registry


class Hub(Memberships):
    """Publish, join, leave, history and presence.

    Args:
        broker: orders and keeps; its `receive` becomes this hub's.
        fanout: the members in this process.
        registry: which types there are.
        clock: seconds since 1970.
        counters: of what happens, shared with the realtime side.
        sessions: of connections that can be restored; None: there are none.
    """

    def __init__(
        self,
        broker: Broker,
        fanout: FanOut,
        registry: Registry,
        clock: Callable[[], float] = time.time,
        counters: Counters | None = None,
        sessions: Sessions | None = None,
    ) -> None:
        super().__init__(broker, fanout, registry, sessions or Sessions(MemorySessions(), 0))
        self.counters = counters or Counters()
        self.clock = clock

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
