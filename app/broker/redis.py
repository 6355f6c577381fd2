"""The broker of several processes: order, history and presence are in Redis, one truth for all.

Each publish is one script, so what is ordered is kept; what is kept is published in Redis, and
each process with members in the channel hears of it (docs/design.md, "Several processes").
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog

from app.background import Tasks
from app.broker.base import Changed, Receive
from app.broker.keys import INBOX_SIZE, PRESENCE_SECONDS, RENEW_SECONDS, Keys
from app.broker.record import encode_record
from app.broker.redis_feeds import RedisFeeds
from app.broker.redis_heartbeat import RedisHeartbeat
from app.broker.redis_log import LUA, RedisLog, missed, new_epoch
from app.broker.redis_presence import RedisPresence
from app.core.channel import Channel
from app.core.errors import TooLarge, Unavailable
from app.core.history import Page, Position, Recovery
from app.core.identity import Identity
from app.core.message import IDEMPOTENCY_SECONDS, Message, Receipt
from app.core.presence import Members
from app.redis.canary import Canary
from app.redis.commands import ANSWER_SECONDS, Commands
from app.redis.scripts import load_script
from app.redis.subscriptions import Subscriptions

#: A larger message would keep everybody else waiting, and Redis takes no argument of more than
#: 512 MB (`proto-max-bulk-len`): it drops the connection instead.
MAX_RECORD_BYTES: Final = 64 * 1024 * 1024
PUBLISH, OWED = (load_script(LUA, name) for name in ("publish", "owed"))
_OWED_AT_ONCE: Final = 100
_RENEWED_AT_ONCE: Final = 200
_DROPPED: Final = Receipt(None, "", "", duplicate=True)  # so that nobody counts it

log = structlog.get_logger("hearth.broker")


class RedisBroker:
    """See `Broker`.

    Args:
        commands, subscriptions: the connections; others may use them too.
        process: this process's name, unlike any other's.
        history_size: messages kept per channel; 0 keeps none.
        history_seconds: how long each is kept; 0 sets no age.
        clock: seconds since 1970.
        recovery_seconds: how long the position of a channel that nobody is in is remembered at
            least.
    """

    def __init__(
        self,
        commands: Commands,
        subscriptions: Subscriptions,
        keys: Keys,
        process: str,
        history_size: int = 1000,
        history_seconds: float = 86_400,
        clock: Callable[[], float] = time.time,
        recovery_seconds: float = 0,
    ) -> None:
        self._commands = commands
        self._subscriptions = subscriptions
        self._keys = keys
        self._clock = clock
        self._presence = RedisPresence(commands, keys, process, clock)
        self._heartbeat = RedisHeartbeat(commands, keys, self._presence)
        self._canary = Canary(commands, subscriptions, keys.canary(process))
        self._log = RedisLog(
            commands, keys, history_size, history_seconds, clock, 2 * recovery_seconds
        )
        self._feeds = RedisFeeds(subscriptions, keys, self._log, clock)
        self._tasks = Tasks()

    @property
    def ready(self) -> bool:
        return self.hears and self._commands.ready and self._heartbeat.lives

    @property
    def hears(self) -> bool:
        """Whether what is published in Redis reaches this process."""
        return self._subscriptions.ready and self._canary.lives

    @property
    def receive(self) -> Receive:
        return self._feeds.receive

    @receive.setter
    def receive(self, receive: Receive) -> None:
        self._feeds.receive = receive

    @property
    def changed(self) -> Changed:
        return self._heartbeat.changed

    @changed.setter
    def changed(self, changed: Changed) -> None:
        self._heartbeat.changed = changed

    async def start(self) -> None:
        await self._subscriptions.start()
        await self._commands.start()
        for work in (self._heartbeat.run(), self._canary.run(), self._renew_for_ever()):
            self._tasks.add(work)

    async def close(self) -> None:
        await self._feeds.close()
        await self._tasks.cancel()
        try:
            await self._heartbeat.close()
        except Unavailable:
            log.warning("Redis could not be told that this process ends")
        finally:
            await self._subscriptions.close()
            await self._commands.close()

    # Publishing

    def publish_nowait(self, channel: Channel, message: Message) -> asyncio.Future[Receipt]:
        _check_size(message)
        names, arguments = self._prepare([(channel, message)], ("", b""))
        return self._commands.begin(PUBLISH, names, arguments, _first_receipt)

    async def publish(self, channel: Channel, message: Message) -> Receipt:
        _check_size(message)
        return _first_receipt(await self._publish([(channel, message)], ("", b"")))

    async def publish_taken(
        self, targets: Sequence[tuple[Channel, Message]], taken: tuple[str, bytes]
    ) -> tuple[list[Receipt], str]:
        """Publish what a worker has emitted, into several channels or none, as one step.

        Args:
            taken: the process that means to take emits in, and the emit's digest.

        Returns:
            The receipts, and the id of the digest in the stream of what was taken in.

        Raises:
            Unavailable: Redis can't be reached.
            ReplyError: `FENCED`: it is another process that takes emits in.
        """
        fitting = [one for one in targets if len(one[1].body) <= MAX_RECORD_BYTES]
        if len(fitting) < len(targets):  # it would be tried for ever
            log.error("dropped what a worker emitted", reason="too large")
        *replies, entry_id = await self._publish(fitting, taken)
        receipts = iter(replies)
        return [
            _receipt(next(receipts)) if one in fitting else _DROPPED for one in targets
        ], entry_id.decode()

    async def _publish(
        self, targets: Sequence[tuple[Channel, Message]], taken: tuple[str, bytes]
    ) -> list[Any]:
        replies: list[Any] = await self._commands.run(PUBLISH, *self._prepare(targets, taken))
        return replies

    def _prepare(
        self, targets: Sequence[tuple[Channel, Message]], taken: tuple[str, bytes]
    ) -> tuple[list[str], list[Any]]:
        """Return what the script is told: keys and arguments."""
        keys = self._keys
        now = self._clock()
        names = [keys.sequence, keys.inbox, keys.emits_holder, keys.emits_taken]
        arguments: list[Any] = [
            *(self._commands.deadline(), self._log.size, self._log.expiry_ms),
            "" if self._log.oldest is None else f"{self._log.oldest:.6f}",
            *(f"{now:.6f}", IDEMPOTENCY_SECONDS, INBOX_SIZE),
            *taken,
        ]
        for channel, message in targets:
            nonce = message.nonce_key
            names += [
                *(keys.head(channel), keys.log(channel)),
                # Never '': a user may have rights to our keys only.
                keys.head(channel) if nonce is None else keys.nonce(channel, nonce),
            ]
            arguments += [
                *(keys.live(channel), new_epoch(), encode_record(message), message.timestamp),
                *(int(message.kept), int(nonce is not None), int(message.for_workers)),
                *(channel.namespace, channel.name, message.type),
            ]
        return names, arguments

    # Receiving

    async def subscribe(self, channel: Channel) -> None:
        await self._feeds.subscribe(channel)

    async def unsubscribe(self, channel: Channel) -> None:
        self._feeds.unsubscribe(channel)

    async def recover(
        self, channel: Channel, since: Position | None, limit: int | None
    ) -> Recovery:
        if limit is None:
            limit = -1 if since is not None else 0
        head, publications = await self._log.read(channel, since, limit)
        recovered = missed(head, since, publications) is not None
        if not recovered and limit >= 0:
            publications = publications[max(0, len(publications) - limit) :]
        await self._feeds.reach(channel, head, ANSWER_SECONDS)
        return Recovery(head, publications, recovered)

    async def history(self, channel: Channel, before: int | None, limit: int) -> Page:
        return await self._log.page(channel, before, limit)

    # Presence

    async def enter(self, channel: Channel, sid: str, identity: Identity) -> bool:
        return await self._presence.enter(channel, sid, identity)

    async def exit(self, channel: Channel, sid: str, identity: Identity) -> bool:
        return await self._presence.exit(channel, sid)

    async def members(self, channel: Channel, limit: int | None = None) -> Members:
        return await self._presence.members(channel, limit)

    async def turn(self, channel: Channel, seconds: float) -> float:
        ms = int(seconds * 1000)
        key = self._keys.turn(channel)
        if await self._commands.send("SET", key, "1", "NX", "PX", ms) is not None:
            await self._commands.send("ZREM", self._keys.owed, str(channel))
            return 0.0
        left_ms: int = await self._commands.send("PTTL", key)
        return max(0.001, left_ms / 1000)

    async def owe(self, channel: Channel) -> None:
        now_ms = self._commands.deadline() - int(ANSWER_SECONDS * 1000)  # by Redis's clock
        await self._commands.send("ZADD", self._keys.owed, now_ms, str(channel))

    async def owed(self, seconds: float) -> list[Channel]:
        arguments = [int(seconds * 1000), _OWED_AT_ONCE]
        names = await self._commands.run(OWED, [self._keys.owed], arguments)
        return [Channel(*name.decode().split(":", 1)) for name in names]

    async def channels(self, namespace: str) -> list[Channel]:
        names = await self._commands.send("PUBSUB", "CHANNELS", self._keys.live_pattern(namespace))
        return [self._keys.channel_of(name.decode()) for name in names]

    def forget_idle(self) -> None:
        """Do nothing: keys expire."""

    # The rest

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with suppress(Unavailable):  # next time
                await self._renew()

    async def _renew(self) -> None:
        """Keep what belongs to channels with members from expiring."""
        renewed = [(key, int(PRESENCE_SECONDS * 1000)) for key in self._presence.renewed()]
        if (history_ms := self._log.expiry_ms) > 0:
            for channel in self._feeds:
                renewed.append((self._keys.head(channel), history_ms))
                renewed.append((self._keys.log(channel), history_ms))
        for start in range(0, len(renewed), _RENEWED_AT_ONCE):
            asked = [
                self._commands.send("PEXPIRE", key, ms)
                for key, ms in renewed[start : start + _RENEWED_AT_ONCE]
            ]
            await asyncio.gather(*asked, return_exceptions=True)


def _check_size(message: Message) -> None:
    if len(message.body) > MAX_RECORD_BYTES:
        raise TooLarge


def _first_receipt(replies: list[Any]) -> Receipt:
    return _receipt(replies[0])


def _receipt(reply: list[Any]) -> Receipt:
    offset, epoch, timestamp, duplicate = reply
    return Receipt(offset, epoch.decode(), timestamp.decode(), bool(duplicate))
