"""What a broker promises. `tests/broker/contract.py` holds every implementation to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from app.core.channel import Channel
from app.core.history import Page, Position, Recovery
from app.core.identity import Identity
from app.core.message import Message, Publication, Receipt
from app.core.presence import Members

Receive = Callable[[Channel, Publication], None]
Changed = Callable[[Channel, Identity, bool], Awaitable[None]]


class Broker(Protocol):
    """Orders and keeps what is published, and knows who is present.

    Every method raises `app.core.errors.Unavailable` when the broker can't be reached, and then
    has changed nothing.
    """

    receive: Receive
    """Called with every publication of a subscribed channel, in offset order and exactly once,
    in this process. It neither blocks nor raises. Where history was lost, a publication of the type
    `DISCONTINUITY` says so, and what follows it has offsets of another epoch."""

    changed: Changed
    """Called when the broker itself finds that an identity has left a channel (True: joined), for
    its process is gone."""

    @property
    def ready(self) -> bool:
        """Whether publishing and receiving work at this moment."""

    async def start(self) -> None:
        """Begin to receive. Returns at once, also when the broker can't be reached yet."""

    async def close(self) -> None:
        """Stop receiving and let go of every connection."""

    def publish_nowait(
        self, channel: Channel, message: Message
    ) -> Receipt | asyncio.Future[Receipt]:
        """Do what `publish` does, at once; or so that it comes before whatever is begun later.

        Returns:
            The receipt, where it takes no waiting; else its future.
        """

    async def publish(self, channel: Channel, message: Message) -> Receipt:
        """Give a message its offset, keep it and hand it to every subscriber, as one step.

        A repeated `nonce_key` within `IDEMPOTENCY_SECONDS` publishes nothing and returns the
        first receipt, marked as a duplicate.
        """

    async def subscribe(self, channel: Channel) -> None:
        """Have the publications of `channel` handed to `receive` from now on.

        When it returns, whatever isn't in history yet is going to be received.
        """

    async def unsubscribe(self, channel: Channel) -> None:
        """Stop what `subscribe` began."""

    async def recover(
        self, channel: Channel, since: Position | None, limit: int | None
    ) -> Recovery:
        """Return what was missed since a position; see `HistoryWindow.recover`.

        Of a subscribed channel, everything up to the position that is returned has been received
        by then.
        """

    async def history(self, channel: Channel, before: int | None, limit: int) -> Page:
        """Return a stretch of history; see `HistoryWindow.page`."""

    async def enter(self, channel: Channel, sid: str, identity: Identity) -> bool:
        """Note that a connection is in `channel`. True when its identity so joins."""

    async def exit(self, channel: Channel, sid: str, identity: Identity) -> bool:
        """Note that a connection has left `channel`. True when its identity so leaves."""

    async def members(self, channel: Channel, limit: int | None = None) -> Members:
        """Return who is in `channel`, and the first `limit` of them (None: all)."""

    async def turn(self, channel: Channel, seconds: float) -> float:
        """Take the turn to tell of `channel`, which comes once in so many seconds in all processes.

        Returns:
            0 when it was taken, and then nothing is owed any more; else the seconds until the next.
        """

    async def owe(self, channel: Channel) -> None:
        """Note that somebody is to tell of `channel`, also when this process is gone."""

    async def owed(self, seconds: float) -> list[Channel]:
        """Return some channels of which it has been owed for so long, to be told of by the caller;
        for as long nobody else gets them."""

    async def channels(self, namespace: str) -> list[Channel]:
        """Return the channels of `namespace` that any process is subscribed to."""

    def forget_idle(self) -> None:
        """Drop what has aged; called every minute or so."""
