"""Redis broker: order and history of several processes, shared through Redis.

Each publish is one script: order, history and pub/sub are one atomic step. Each process with
members in the channel receives the publication (docs/design.md, "Several processes").
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from app.broker.contract import BrokerEvents, Fence, Fenced, OnWatched, Published
from app.broker.keys import Keys
from app.broker.record import decode_live
from app.broker.redis_feeds import RedisFeeds
from app.broker.redis_inbox import InboxBounds
from app.broker.redis_log import LUA, RedisLog, new_epoch
from app.broker.redis_renewal import renew_for_ever
from app.broker.unreadable import Unreadable, is_text
from app.core.channel import Channel
from app.core.errors import TooLarge
from app.core.history import HistoryOptions, Page, Position, Recovery
from app.core.message import IDEMPOTENCY_SECONDS, Message, Receipt
from app.core.sizes import Sizes
from app.redis.canary import Canary, CanaryTimes
from app.redis.commands import ANSWER_SECONDS, Commands
from app.redis.replies import ReplyError
from app.redis.scripts import load_script
from app.redis.subscriptions import Subscriptions
from app.redis.window import SMALL_BYTES
from app.tasks import Tasks

#: A larger message would block Redis for everybody, and at 512 MB (`proto-max-bulk-len`) Redis
#: would close the connection.
MAX_RECORD_BYTES: Final = 64 * 1024 * 1024
PUBLISH: Final = load_script(LUA, "stream", "history", "inbox_bounds", "publish")
_NO_FENCE: Final = Fence("", b"")


class RedisBroker:
    """See `Broker`.

    Args:
        commands, subscriptions: the connections, shared with others; not started or closed here.
        process: the unique name of this process.
        history: what is kept of each channel.
        inbox: how much is kept for workers.
        unreadable: is told of what can't be read.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        commands: Commands,
        subscriptions: Subscriptions,
        keys: Keys,
        process: str,
        history: HistoryOptions,
        inbox: InboxBounds,
        unreadable: Unreadable,
        clock: Callable[[], float] = time.time,
        canary_times: CanaryTimes | None = None,
    ) -> None:
        self._commands = commands
        self._window = commands.window
        self._subscriptions = subscriptions
        self._keys = keys
        self._canary = Canary(commands, subscriptions, keys.canary(process), canary_times)
        self._inbox = inbox
        self._log = RedisLog(commands, keys, history, unreadable)
        self._feeds = RedisFeeds(subscriptions, keys, self._log, unreadable, clock)
        self._tasks = Tasks("broker")

    @property
    def ready(self) -> bool:
        return self._subscriptions.ready and self._canary.alive and self._commands.ready

    async def start(self, events: BrokerEvents) -> None:
        self._feeds.start(events)
        self._tasks.add(self._canary.run())
        self._tasks.add(renew_for_ever(self._commands, self._keys_to_renew))

    async def close(self) -> None:
        await self._feeds.close()
        await self._tasks.cancel()

    # Publishing

    def publish_nowait(self, channel: Channel, message: Message) -> Awaitable[Receipt]:
        if len(message.body) > SMALL_BYTES or self._window.congested:
            return self._publish_in_turn(channel, message)
        return self._begin(channel, message)

    def _begin(self, channel: Channel, message: Message) -> asyncio.Future[Receipt]:
        names, arguments = self._prepare([(channel, message)], _NO_FENCE)
        return self._commands.begin(PUBLISH, names, arguments, self._first_receipt)

    async def _publish_in_turn(self, channel: Channel, message: Message) -> Receipt:
        _check_size(message)
        return await self._window.run(
            len(message.body), lambda: self._begin(channel, message), self._subscriptions.drained
        )

    async def publish(self, channel: Channel, message: Message) -> Receipt:
        published = await self.publish_all([(channel, message)])
        return published.receipts[0]

    async def publish_all(
        self, targets: Sequence[tuple[Channel, Message]], fence: Fence | None = None
    ) -> Published:
        for _channel, message in targets:
            _check_size(message)
        try:
            replies: list[Any] = await self._commands.run(
                PUBLISH, *self._prepare(targets, fence or _NO_FENCE)
            )
        except ReplyError as error:
            if error.word == "FENCED":
                raise Fenced from None
            raise
        receipts = [_receipt(reply) for reply in replies[: len(targets)]]
        rest = replies[len(targets) :]
        entry_id = "" if fence is None else rest.pop(0).decode()
        for lost in rest:
            self._inbox.note_lost(lost)
        return Published(receipts, entry_id)

    def _first_receipt(self, replies: list[Any]) -> Receipt:
        for lost in replies[1:]:
            self._inbox.note_lost(lost)
        return _receipt(replies[0])

    def _prepare(
        self, targets: Sequence[tuple[Channel, Message]], fence: Fence
    ) -> tuple[list[str], list[Any]]:
        """Return the keys and the arguments of `publish.lua`."""
        keys = self._keys
        names = [
            *(keys.sequence, keys.inbox, keys.inbox_note, keys.ingest_lease, keys.ingest_digests)
        ]
        arguments: list[Any] = [
            self._commands.deadline(),
            *self._log.bounds,
            self._log.expiry_ms,
            IDEMPOTENCY_SECONDS,
            self._inbox.size,
            self._inbox.most_bytes,
            *fence,
        ]
        for channel, message in targets:
            head, nonce = keys.head(channel), message.nonce_key
            # Never '': the Redis user may have rights to our keys only.
            nonce_key = head if nonce is None else keys.nonce(channel, nonce)
            names += [head, keys.log(channel), nonce_key]
            arguments += [
                keys.live(channel),
                new_epoch(),
                message.body,
                message.timestamp,
                int(message.kept),
                int(nonce is not None),
                int(message.for_workers),
                channel.namespace,
                channel.name,
                message.type,
                message.compaction_key or "",
            ]
        return names, arguments

    # Receiving

    async def subscribe(self, channel: Channel) -> None:
        await self._feeds.subscribe(channel)

    async def unsubscribe(self, channel: Channel) -> None:
        self._feeds.unsubscribe(channel)

    async def watch(self, namespace: str, on_watched: OnWatched) -> None:
        def receive(live: bytes, data: bytes) -> None:
            _position, publication = decode_live(data)
            on_watched(self._keys.channel_of(live.decode()), publication)

        await self._subscriptions.subscribe_pattern(self._keys.live_pattern(namespace), receive)

    async def unwatch(self, namespace: str) -> None:
        self._subscriptions.unsubscribe_pattern(self._keys.live_pattern(namespace))

    async def recover(
        self,
        channel: Channel,
        since: Position | None,
        limit: int | None,
        most_bytes: int | None = None,
    ) -> Recovery:
        head, recovery = await self._log.recover(channel, since, limit, most_bytes)
        await self._feeds.wait_for(channel, head, ANSWER_SECONDS)
        return recovery

    async def history(
        self, channel: Channel, before: int | None, limit: int, most_bytes: int | None = None
    ) -> Page:
        return await self._log.page(channel, before, limit, most_bytes)

    async def channels(self, namespace: str) -> list[Channel]:
        names = await self._commands.send("PUBSUB", "CHANNELS", self._keys.live_pattern(namespace))
        # Anybody may have subscribed to anything.
        return [self._keys.channel_of(name.decode()) for name in names if is_text(name)]

    async def sizes(self) -> Sizes:
        if not self._inbox.most_bytes:
            return Sizes()
        note = await self._commands.send("GET", self._keys.inbox_note) or b"0"
        size = note.partition(b" ")[0]
        return Sizes(inbox=int(size) if size.isdigit() else None)

    def _keys_to_renew(self) -> list[tuple[str, int]]:
        return [
            (key, self._log.least_ms)
            for channel in self._feeds
            for key in (self._keys.head(channel), self._keys.log(channel))
        ]


def _check_size(message: Message) -> None:
    if len(message.body) > MAX_RECORD_BYTES:
        raise TooLarge


def _receipt(reply: list[Any]) -> Receipt:
    offset, epoch, timestamp, duplicate = reply
    return Receipt(offset, epoch.decode(errors="replace"), timestamp.decode(), bool(duplicate))
