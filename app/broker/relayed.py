"""The broker of several processes that share rooms: each keeps its own history in memory, and
sends what it publishes on to the others through the stock manager's Redis channel."""

from __future__ import annotations

from typing import Any, Protocol

from app.broker.memory import MemoryBroker
from app.core.channel import Channel
from app.core.message import Message, Receipt


class Relay(Protocol):
    """The way to the other processes."""

    @property
    def ready(self) -> bool:
        """Whether what the others publish arrives at this moment."""

    async def start(self) -> None:
        """Begin to receive, as soon as the others can be reached."""

    async def close(self) -> None:
        """Stop what `start` began."""

    async def send(self, channel: Channel, message: Message) -> None:
        """Send a message to all others. Raises `Unavailable`, and then nobody got it."""


class RelayedBroker(MemoryBroker):
    """A memory broker whose publications reach the other processes too.

    Each process has its own epochs: a member that moves to another one gets the newest messages
    there are, and is told that it wasn't recovered.
    """

    def __init__(self, relay: Relay, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._relay = relay

    @property
    def ready(self) -> bool:
        return self._relay.ready

    async def start(self) -> None:
        await self._relay.start()

    async def close(self) -> None:
        await self._relay.close()

    def publish_nowait(self, channel: Channel, message: Message) -> Receipt | None:
        return None if message.relay else super().publish_nowait(channel, message)

    async def publish(self, channel: Channel, message: Message) -> Receipt:
        # The others first: when they can't be reached, nothing was published here either.
        if message.relay and self.receipt(channel, message.nonce_key) is None:
            await self._relay.send(channel, message)
        return await super().publish(channel, message)
