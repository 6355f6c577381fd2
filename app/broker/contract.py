"""Interfaces of a backend: what all server processes share.

A backend is the memory of a single process (`memory*.py`) or Redis (`redis*.py`); `tests/broker/`
runs the same tests on both. Every method raises `app.core.errors.Unavailable` when the backend
can't be reached; then nothing was changed, unless the error's message says otherwise. A part calls
back the events object that it was started with.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from app.core.channel import Channel
from app.core.history import Page, Position, Recovery
from app.core.identity import Identity
from app.core.message import Message, Publication, Receipt
from app.core.presence import Members
from app.core.session import Session
from app.core.sizes import Sizes

#: Receives a publication of a watched namespace. It neither blocks nor raises.
OnWatched = Callable[[Channel, Publication], None]


class BrokerEvents(Protocol):
    """Callbacks of a broker."""

    def on_publication(self, channel: Channel, publication: Publication) -> None:
        """Receive a publication of a subscribed channel: in offset order and exactly once.

        It neither blocks nor raises. Where history was lost, a publication of the type
        `DISCONTINUITY` comes first, and the offsets after it are of another epoch.
        """


class Fence(NamedTuple):
    """Fence: lets only the lease's holder publish, and records what it has published.

    Args:
        token: the fencing token of the lease that this process holds.
        digest: identifies what is published to all processes; appended to the log of digests.
    """

    token: str
    digest: bytes


class Published(NamedTuple):
    """The receipts of one step, and the id of its digest in the log, if it was fenced."""

    receipts: list[Receipt]
    entry_id: str = ""


class Fenced(Exception):
    """Another process holds the lease; nothing was published."""


class Broker(Protocol):
    """Broker: orders publications, keeps history, and fans out to all subscribed processes."""

    @property
    def ready(self) -> bool:
        """Whether publishing and receiving work at this moment."""

    async def start(self, events: BrokerEvents) -> None:
        """Begin to receive. Returns at once, even when the broker can't be reached yet."""

    async def close(self) -> None:
        """Stop receiving."""

    def publish_nowait(self, channel: Channel, message: Message) -> Receipt | Awaitable[Receipt]:
        """Publish as `publish` does, ordered before everything that is published later.

        Returns:
            The receipt if it is there at once, else a future of it. Or a coroutine that publishes
            when it is awaited: then there is too much under way, or the message is large, and its
            publisher is to wait for it before it publishes anything else.
        """

    async def publish(self, channel: Channel, message: Message) -> Receipt:
        """Give a message its offset, add it to history and fan it out, as one atomic step.

        In history it takes the place of the last one with its compaction key, if it has one.

        A `nonce_key` repeated within `IDEMPOTENCY_SECONDS` publishes nothing; the first receipt is
        returned, marked as a duplicate.
        """

    async def publish_all(
        self, targets: Sequence[tuple[Channel, Message]], fence: Fence | None = None
    ) -> Published:
        """Publish into any number of channels as one atomic step: everything or nothing.

        Args:
            fence: publish only while this process holds the lease. A process that shares nothing
                with others always does.

        Raises:
            Fenced: another process holds it.
        """

    async def subscribe(self, channel: Channel) -> None:
        """Pass the publications of `channel` to `on_publication` from now on.

        Once it has returned, everything that isn't in history yet will be received.
        """

    async def unsubscribe(self, channel: Channel) -> None:
        """Undo `subscribe`."""

    async def watch(self, namespace: str, on_watched: OnWatched) -> None:
        """Pass the publications of every channel of `namespace` to `on_watched` from now on.

        Live only: each at most once, in the order of publishing. What is published while the
        broker can't be reached isn't received later. Costs nothing while nobody watches. A
        namespace is watched by one receiver at a time.
        """

    async def unwatch(self, namespace: str) -> None:
        """Undo `watch`; does nothing where nobody watches."""

    async def recover(
        self,
        channel: Channel,
        since: Position | None,
        limit: int | None,
        most_bytes: int | None = None,
    ) -> Recovery:
        """Return what was missed since a position; see `HistoryWindow.recover`.

        If the channel is subscribed, everything up to the channel's newest message at that moment
        has been received before this returns.
        """

    async def history(
        self, channel: Channel, before: int | None, limit: int, most_bytes: int | None = None
    ) -> Page:
        """Return a page of history; see `HistoryWindow.page`."""

    async def channels(self, namespace: str) -> list[Channel]:
        """Return the channels of `namespace` that any process is subscribed to."""

    async def sizes(self) -> Sizes:
        """Return how much the history of all channels holds, and the inbox."""


class PresenceEvents(Protocol):
    """Callbacks of a presence store, for changes that no call to `enter` or `exit` returns."""

    async def on_presence(self, channel: Channel, identity: Identity, joined: bool) -> None:
        """Handle an identity that has left because its process is gone, or that has rejoined."""


class PresenceStore(Protocol):
    """Presence store: which identities are in which channel, over all processes."""

    @property
    def ready(self) -> bool:
        """Whether presence can be read and written at this moment."""

    async def start(self, events: PresenceEvents) -> None:
        """Begin to detect processes that are gone. Returns at once."""

    async def close(self) -> None:
        """Stop, and evict this process's connections."""

    async def enter(self, channel: Channel, sid: str, identity: Identity) -> bool:
        """Add a connection to `channel`. True if its identity joins by that."""

    async def exit(self, channel: Channel, sid: str, identity: Identity) -> bool:
        """Remove a connection from `channel`. True if its identity leaves by that."""

    async def members(self, channel: Channel, limit: int | None = None) -> Members:
        """Return who is in `channel`: their number, and the first `limit` (None: all)."""


class StatusQueue(Protocol):
    """Status queue: channels whose `circle_status` is due, debounced over all processes."""

    shared: bool
    """Whether other processes publish what is due after this one has died."""

    async def claim(self, channel: Channel, seconds: float) -> float:
        """Claim the right to publish the status of `channel`, which is given once per `seconds`.

        Returns:
            0 if it was claimed, and then the status is no longer due; else the seconds until it
            can be claimed.
        """

    async def add(self, channel: Channel) -> None:
        """Mark the status of `channel` as due, which it stays if this process dies."""

    async def overdue(self, seconds: float) -> list[Channel]:
        """Return some channels whose status has been due for `seconds`; the caller publishes them.

        No other caller gets them for another `seconds`.
        """


class SessionEvents(Protocol):
    """Callbacks of a session store."""

    def on_claimed(self, owner: str) -> None:
        """Handle that another process has claimed the session of this owner, of this process."""


class SessionStore(Protocol):
    """Session store: sessions by pid, each owned by the connection that claimed it last."""

    process: str
    """The prefix of this process's owners, before a colon."""

    def start(self, events: SessionEvents) -> None:
        """Begin to call `events`."""

    async def save(self, session: Session, seconds: float) -> bool:
        """Store a session for `seconds`, unless it has another owner by now.

        Returns:
            Whether it is still its owner's.
        """

    async def claim(self, pid: str, owner: str, claimant: str, seconds: float) -> Session | None:
        """Take a session over for the connection `owner`; None if the claimant has no such one."""

    async def forget(self, session: Session, seconds: float) -> None:
        """Close a session for good, unless it has another owner by now.

        Nobody can save it again for `seconds`: a former owner may not have noticed yet.
        """


class Inbox(Protocol):
    """Inbox: hands workers what is for them alone."""

    def add_nowait(self, channel: Channel, message: Message) -> Awaitable[Receipt]:
        """Add a message, once for its nonce; its receipt has no offset.

        Returns as `Broker.publish_nowait` does.

        Raises:
            Unavailable: the inbox can't be reached.
        """
