"""Rooms shared through Redis: what workers and other processes emit arrives here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import socketio
import structlog
from redis.exceptions import RedisError

from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.message import Message
from app.realtime.rooms import Rooms

log = structlog.get_logger("hearth.redis")

PUBLISH_TIMEOUT_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 1.0
_FAILURES: Final = (RedisError, OSError, TimeoutError)

Intake = Callable[[dict[str, Any]], Awaitable[bool]]


class RedisManager(socketio.AsyncRedisManager, Rooms):  # type: ignore[misc]
    """The stock Redis manager, whose failures are errors and whose emits can be taken in.

    Args:
        url: as `socketio.AsyncRedisManager` takes it.
        channel: the Redis channel that all processes and workers share.
    """

    def __init__(self, url: str, channel: str) -> None:
        super().__init__(url, channel=channel)
        self.take_in: Intake = _take_nothing
        self.connected: bool = False
        self._listening = False
        self._told_of_loss = False

    @property
    def ready(self) -> bool:
        """Whether what is emitted elsewhere arrives at this moment."""
        return self._listening

    async def start(self) -> None:
        """Begin to listen, also when Redis can't be reached yet: it is tried again for ever."""
        self.server.manager_initialized = True  # stock waits for the first client
        self.initialize()

    async def close(self) -> None:
        """Stop listening and let go of the connections."""
        self.thread.cancel()
        await asyncio.gather(self.thread, return_exceptions=True)
        if self.redis is not None:
            await self.pubsub.aclose()
            await self.redis.aclose()

    async def send(self, channel: Channel, message: Message) -> None:
        """Send a message that this process publishes on to the others.

        Raises:
            Unavailable: Redis did not take it.
        """
        await self._publish(
            {
                "method": "emit",
                "event": message.type,
                "data": [orjson.Fragment(message.body)],
                "binary": False,
                "namespace": channel.namespace,
                "room": channel.name,
                "skip_sid": None,
                "callback": None,
                "host_id": self.host_id,
                # Stock listeners don't look at this; ours see that it was published already.
                "published_at": message.published_at,
            }
        )

    async def _publish(self, data: dict[str, Any]) -> Any:
        # Stock gives up with a log line, and its caller believes that all is well.
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
                if not self.connected:
                    self._redis_connect()
                return await self.redis.publish(self.channel, self.json.dumps(data))
        except _FAILURES:
            raise Unavailable from None

    async def _handle_emit(self, message: dict[str, Any]) -> None:
        # Called for this process's own emits too (`emit`), which are no worker's.
        if message.get("host_id") == self.host_id or not await self.take_in(message):
            await super()._handle_emit(message)

    async def _listen(self) -> AsyncIterator[Any]:
        # Stock waits up to a minute between tries, and can't say whether it listens.
        while True:
            try:
                if not self.connected:
                    self._redis_connect()
                await self.pubsub.subscribe(self.channel)
                self._note_listening()
                async for message in self.pubsub.listen():
                    yield message["data"]
            except _FAILURES as error:
                self._note_loss(error)
            finally:
                self._listening = False
            await self.pubsub.aclose()
            self.connected = False
            await asyncio.sleep(RETRY_SECONDS)

    def _note_listening(self) -> None:
        self._listening = True
        self._told_of_loss = False
        log.info("listening to Redis", redis=_host(self.redis_url), channel=self.channel)

    def _note_loss(self, error: BaseException) -> None:
        if not self._told_of_loss:
            self._told_of_loss = True
            log.error(
                "Redis can't be reached; trying again until it can",
                redis=_host(self.redis_url),
                error=type(error).__name__,
            )


async def _take_nothing(message: dict[str, Any]) -> bool:
    return False


def _host(url: str) -> str:
    """Return where a Redis URL points, without user and password."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or parts.path
