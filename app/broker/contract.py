"""The contracts of a backend; `tests/broker/` holds every implementation to them.

A backend is what all processes share: the memory of this one (`memory*.py`) or Redis (`redis*.py`).
Every method raises `app.core.errors.Unavailable` when it can't be reached, and then has changed
nothing. Whoever starts a part hands it what it tells of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from app.core.channel import Channel
from app.core.history import Page, Position, Recovery
from app.core.identity import Identity
from app.core.message import Message, Publication, Receipt
from app.core.presence import Members
from app.core.session import Session


class BrokerEvents(Protocol):
    """What a broker tells."""

    def on_publication(self, channel: Channel, publication: Publication) -> None:
        """A channel that is subscribed to has a new publication: in offset order and exactly once.

        It neither blocks nor raises. Where history was lost, a publication of the type
        `DISCONTINUITY` says so, and what follows it has offsets of another epoch.
        """


class Fence(NamedTuple):
    """What makes a publish happen once, by one process, whoever else tries the same.

    Args:
        token: the fencing token of the lease that this process holds.
        digest: by which the processes know what was published; kept in the log of digests.
    """

    token: str
    digest: bytes


class Published(NamedTuple):
    """The receipts of one step, and the id of its fence in the log of digests, if it had one."""

    receipts: list[Receipt]
    entry_id: str = ""


class Fenced(Exception):
    """Another process holds the lease, so nothing was published."""


class Broker(Protocol):
    """Orders and keeps what is published, and hands it to every process with subscribers."""

    @property
    def ready(self) -> bool:
        """Whether publishing and receiving work at this moment."""

    async def start(self, events: BrokerEvents) -> None:
        """Begin to receive. Returns at once, also when the broker can't be reached yet."""

    async def close(self) -> None:
        """Stop receiving."""

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

    async def publish_all(
        self, targets: Sequence[tuple[Channel, Message]], fence: Fence | None = None
    ) -> Published:
        """Publish into several channels, or none, as one step: everything or nothing.

        Args:
            fence: publish only while the lease is this process's. A process that shares nothing
                with others always has it.

        Raises:
            Fenced: it is another's.
        """

    async def subscribe(self, channel: Channel) -> None:
        """Have the publications of `channel` told from now on.

        When it returns, whatever isn't in history yet is going to be told.
        """

    async def unsubscribe(self, channel: Channel) -> None:
        """Stop what `subscribe` began."""

    async def recover(
        self, channel: Channel, since: Position | None, limit: int | None
    ) -> Recovery:
        """Return what was missed since a position; see `HistoryWindow.recover`.

        Of a subscribed channel, everything up to the position that is returned has been told by
        then.
        """

    async def history(self, channel: Channel, before: int | None, limit: int) -> Page:
        """Return a stretch of history; see `HistoryWindow.page`."""

    async def channels(self, namespace: str) -> list[Channel]:
        """Return the channels of `namespace` that any process is subscribed to."""


class PresenceEvents(Protocol):
    """What a presence store finds out by itself."""

    async def on_presence(self, channel: Channel, identity: Identity, joined: bool) -> None:
        """An identity has left a channel, for its process is gone; or has joined it again."""


class PresenceStore(Protocol):
    """Knows who is in which channel, by identity, over all processes."""

    @property
    def ready(self) -> bool:
        """Whether it knows at this moment."""

    async def start(self, events: PresenceEvents) -> None:
        """Begin to notice processes that are gone. Returns at once."""

    async def close(self) -> None:
        """Stop, and tell the other processes that this one's connections are gone."""

    async def enter(self, channel: Channel, sid: str, identity: Identity) -> bool:
        """Note that a connection is in `channel`. True when its identity so joins."""

    async def exit(self, channel: Channel, sid: str, identity: Identity) -> bool:
        """Note that a connection has left `channel`. True when its identity so leaves."""

    async def members(self, channel: Channel, limit: int | None = None) -> Members:
        """Return who is in `channel`, and the first `limit` of them (None: all)."""


class StatusQueue(Protocol):
    """The channels whose status is due: debounced over all processes, and told by one of them."""

    shared: bool
    """Whether another process would publish what this one doesn't live to."""

    async def claim(self, channel: Channel, seconds: float) -> float:
        """Claim the status of `channel`, which is published once in so many seconds.

        Returns:
            0 when it was claimed, and then is due no more; else the seconds until it can be.
        """

    async def add(self, channel: Channel) -> None:
        """Note that the status of `channel` is due, also when this process is gone."""

    async def overdue(self, seconds: float) -> list[Channel]:
        """Return some channels whose status has been due for so long, for the caller to publish;
        for as long nobody else gets them."""


class SessionEvents(Protocol):
    """What a session store tells."""

    def on_claimed(self, owner: str) -> None:
        """Another process has claimed the session of this owner, who is of this process."""


class SessionStore(Protocol):
    """Keeps sessions by pid. Each has one owner: the connection that claimed it last."""

    process: str
    """What owners begin with, before a colon."""

    def start(self, events: SessionEvents) -> None:
        """Begin to tell."""

    async def save(self, session: Session, seconds: float) -> bool:
        """Keep a session for so many seconds, unless it has got another owner.

        Returns:
            Whether it is still its owner's.
        """

    async def claim(self, pid: str, owner: str, claimant: str, seconds: float) -> Session | None:
        """Make a connection the owner of a session; None where there is none of theirs."""

    async def forget(self, session: Session, seconds: float) -> None:
        """End a session, unless it has got another owner; for so many seconds nobody can save it
        again, also who had it before and hasn't noticed."""
