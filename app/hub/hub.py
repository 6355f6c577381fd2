"""The Hub: the verbs of Hearth. Everything that happens is a message, and passes here once.

A client, a worker or the server itself publishes; the broker orders and stores the message; every
publication comes back to `Memberships`, in offset order, and the fan-out hands it to the members
in this process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from app.broker.contract import Broker, Fence, Inbox, PresenceStore
from app.core import access
from app.core.channel import Channel
from app.core.clock import isoformat
from app.core.counters import Counters
from app.core.errors import HearthError, Unavailable
from app.core.history import MOST_ANSWER_BYTES, Page
from app.core.identity import Identity
from app.core.message import Message, Receipt
from app.core.presence import Members
from app.core.sizes import Sizes
from app.hub.draft import Draft
from app.hub.memberships import LISTED_MEMBERS, Memberships
from app.hub.quotas import Quotas
from app.hub.surrogates import SplitCharacters, repaired
from app.hub.watching import Watching
from app.transport.refusals import Refusals
from schemas.errors import SchemaError
from schemas.json_value import LONE_SURROGATE, json_problem
from schemas.registry import MessageType, Registry

#: The type whose text comes in pieces, which may be cut within a character.
STREAMED: Final = "chat_token"


class Emitted(NamedTuple):
    """The outcome of publishing an emit.

    Args:
        entry_id: the id of its entry in the stream of digests.
        refused: why some of it was not published; None if all was.
    """

    entry_id: str
    refused: SchemaError | None


class Hub:
    """Publishing, history and presence; `memberships` is for joining, receiving and leaving,
    `watching` for receiving all of a namespace.

    Args:
        registry: the types of messages.
        clock: seconds since 1970.
        counters, refusals: for metrics and the log, shared with the ways in.
        answer_bytes: of messages that one answer holds at most.
        inbox: of workers; None: there are none.
    """

    def __init__(
        self,
        broker: Broker,
        presence: PresenceStore,
        memberships: Memberships,
        registry: Registry,
        clock: Callable[[], float] = time.time,
        counters: Counters | None = None,
        answer_bytes: int = MOST_ANSWER_BYTES,
        refusals: Refusals | None = None,
        inbox: Inbox | None = None,
        quotas: Quotas | None = None,
    ) -> None:
        self.quotas = quotas or Quotas()
        self._answer_bytes = answer_bytes
        self.memberships = memberships
        self.watching = Watching(broker)
        self.registry = registry
        self.counters = counters or Counters()
        self.refusals = refusals or Refusals(self.counters)
        self.clock = clock
        self._broker = broker
        self._presence = presence
        self._inbox = inbox
        self._split = SplitCharacters()

    @property
    def ready(self) -> bool:
        """Whether publishing and presence work at this moment."""
        return self._broker.ready and self._presence.ready

    # Publishing

    def find_type(self, identity: Identity, namespace: str, name: str) -> MessageType | None:
        """Return the type that `identity` publishes under this name, or None."""
        found = self.registry.find(namespace, name, identity.kind)
        if found is None and identity.all_rights:
            return self.registry.find(namespace, name)
        return found

    def require_type(self, identity: Identity, namespace: str, name: str) -> MessageType:
        """Return a type as `find_type` does. Raises `SchemaError` if there is none."""
        found = self.find_type(identity, namespace, name)
        return found or self.registry.require(namespace, name, identity.kind)

    def publish_as(
        self, identity: Identity, draft: Draft, message_type: MessageType | None = None
    ) -> Receipt | Awaitable[Receipt]:
        """Publish a client's draft, if its identity may.

        Args:
            message_type: the draft's type, if the caller has looked it up.

        Returns:
            As `Broker.publish_nowait`.

        Raises:
            SchemaError: the type, channel or payload is not valid.
            Forbidden: the identity may not publish this here.
            Unavailable: the broker can't be reached, or there is no inbox for what is for workers
                alone.
        """
        channel = draft.channel
        if message_type is None:
            message_type = self.require_type(identity, channel.namespace, draft.type)
        access.require_publish(identity, channel, draft.type, message_type.publishers)
        if message_type.names_agent and (
            identity.kind == "agent" or (identity.all_rights and message_type.needs_agent)
        ):
            draft.data = access.name_agent(identity, draft.data)
        message = self._message(draft, message_type, by_client=True)
        if message_type.inbox_only:
            if self._inbox is None:
                raise Unavailable(f"{draft.type} is for workers: none is here without REDIS_URL.")
            receipt: Receipt | Awaitable[Receipt] = self._inbox.add_nowait(channel, message)
        else:
            receipt = self._broker.publish_nowait(channel, message)
        if isinstance(receipt, Receipt):
            self._count(message_type, receipt)
        elif isinstance(receipt, asyncio.Future):
            receipt.add_done_callback(partial(self._on_published, message_type))
        else:
            return self._publish_later(message_type, receipt)
        return receipt

    async def _publish_later(
        self, message_type: MessageType, publishing: Awaitable[Receipt]
    ) -> Receipt:
        receipt = await publishing
        self._count(message_type, receipt)
        return receipt

    async def publish(self, draft: Draft) -> Receipt:
        """Publish without checking permissions: for the server itself.

        Raises:
            SchemaError, Unavailable: as `publish_as`.
        """
        (receipt,) = await self.publish_all([draft])
        return receipt

    async def publish_all(self, drafts: Iterable[Draft]) -> list[Receipt]:
        """Publish drafts atomically, all or nothing. Raises as `publish` does."""
        messages = [(draft, *self._prepare(draft)) for draft in drafts]
        targets = [(draft.channel, message) for draft, _type, message in messages]
        published = await self._broker.publish_all(targets)
        for (_draft, message_type, _message), receipt in zip(
            messages, published.receipts, strict=True
        ):
            self._count(message_type, receipt)
        return published.receipts

    async def publish_emit(self, drafts: Sequence[Draft], fence: Fence, most_bytes: int) -> Emitted:
        """Publish a worker's emit atomically, without the drafts that no schema accepts.

        Its place behind earlier publishes is settled when this first waits.

        Args:
            most_bytes: limit of the emit's bytes, all channels together; over it, nothing is
                published.

        Raises:
            Fenced: the lease is another process's; nothing was published.
            Unavailable: the broker can't be reached.
        """
        refused: SchemaError | None = None
        types: list[MessageType] = []
        targets: list[tuple[Channel, Message]] = []
        size = 0
        # The drafts share their data: what is wrong with it isn't looked for in each channel.
        faults: dict[int, SchemaError] = {}
        for draft in drafts:
            if (fault := faults.get(id(draft.data))) is not None:
                refused = fault
                continue
            try:
                message_type, message = self._prepare(draft)
            except SchemaError as error:
                refused = error
                if "channel" not in error.fields:
                    faults[id(draft.data)] = error
                continue
            types.append(message_type)
            targets.append((draft.channel, message))
            if (size := size + len(message.body)) > most_bytes:
                where = f"{len(drafts)} channels of {draft.channel.namespace}"
                problem = f"It would take more than {most_bytes:,} bytes at once, in {where}."
                refused = SchemaError({"": problem})
                types, targets = [], []
                break
        published = await self._broker.publish_all(targets, fence)
        for message_type, receipt in zip(types, published.receipts, strict=True):
            self._count(message_type, receipt)
        return Emitted(published.entry_id, refused)

    def _prepare(self, draft: Draft) -> tuple[MessageType, Message]:
        message_type = self.registry.require(draft.channel.namespace, draft.type)
        return message_type, self._message(draft, message_type)

    def _message(
        self, draft: Draft, message_type: MessageType, *, by_client: bool = False
    ) -> Message:
        self.registry.check_channel(draft.channel)
        try:
            data = message_type.load(draft.data)
        except SchemaError:
            if json_problem(draft.data) != LONE_SURROGATE:
                raise
            data = self._repair(draft, message_type, trusted=not by_client)
        published_at = self.clock()
        timestamp = isoformat(published_at)
        return Message(
            draft.type,
            draft.encode(data, timestamp),
            published_at,
            timestamp,
            message_type.kept,
            draft.nonce_key,
            by_client and message_type.for_workers,
            draft.compaction_key,
        )

    def _repair(self, draft: Draft, message_type: MessageType, *, trusted: bool) -> dict[str, Any]:
        """Return a payload that isn't Unicode as if it were; of a worker, which is trusted, all."""
        data: Any = draft.data
        if draft.type == STREAMED and isinstance(data, dict):
            data = self._split.join(draft.channel, data)
        return message_type.load(repaired(data) if trusted else data)

    def _on_published(self, message_type: MessageType, published: asyncio.Future[Receipt]) -> None:
        if not published.cancelled() and published.exception() is None:
            self._count(message_type, published.result())

    def _count(self, message_type: MessageType, receipt: Receipt) -> None:
        if not receipt.duplicate:
            self.counters.published[message_type.key] += 1

    # Reading

    async def history(
        self, identity: Identity, channel: Channel, before: int | None, limit: int
    ) -> Page:
        """Return a page of history. Raises as `Memberships.joining` does."""
        self.registry.check_channel(channel)
        access.require_read(identity, channel)
        return await self._broker.history(channel, before, limit, self._answer_bytes)

    async def presence(self, identity: Identity, channel: Channel) -> Members:
        """Return the members of `channel`. Raises as `Memberships.joining` does."""
        self.registry.check_channel(channel)
        access.require_members(identity, channel)
        return await self._presence.members(channel)

    async def members(self, channel: Channel) -> Members:
        """Return the first members of `channel`, without checking permissions."""
        return await self._presence.members(channel, LISTED_MEMBERS)

    async def channels(self, namespace: str) -> list[Channel]:
        """Return the channels of `namespace` that have members in any process."""
        return await self._broker.channels(namespace)

    async def sizes(self) -> Sizes:
        """Return how much history and the inbox hold; nothing while that can't be asked."""
        try:
            return await self._broker.sizes()
        except HearthError:
            return Sizes()
