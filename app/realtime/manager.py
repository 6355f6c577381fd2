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
WATCH_SECONDS: Final = 2.0
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
        self._answering = True
        self._told_of_loss = False
        self._watcher: asyncio.Task[None] | None = None
        # What is relayed is taken for somebody else's by stock, and so comes back here too.
        self._relay_id = f"{self.host_id}-relay"
        self._relayed = 0
        self._doubtful: set[int] = set()

    @property
    def ready(self) -> bool:
        """Whether what is emitted elsewhere arrives at this moment."""
        return self._listening and self._answering

    async def start(self) -> None:
        """Begin to listen, also when Redis can't be reached yet: it is tried again for ever."""
        self.server.manager_initialized = True  # stock waits for the first client
        self.initialize()
        self._watcher = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Stop listening and let go of the connections."""
        tasks = [self.thread, *([self._watcher] if self._watcher else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.redis is not None:
            await self.pubsub.aclose()
            await self.redis.aclose()

    async def send(self, channel: Channel, message: Message) -> None:
        """Send a message that this process publishes on to the others.

        Raises:
            Unavailable: Redis did not take it, or didn't say so in time. When it turns out that
                it did, the message is published here as well.
        """
        self._relayed = number = self._relayed + 1
        emit = {
            "method": "emit",
            "event": message.type,
            "data": [orjson.Fragment(message.body)],
            "binary": False,
            "namespace": channel.namespace,
            "room": channel.name,
            "skip_sid": None,
            "callback": None,
            "host_id": self._relay_id,
            # Stock listeners don't look at these; ours see that it was published already.
            "published_at": message.published_at,
            "relayed": number,
        }
        try:
            await self._publish(emit)
        except Unavailable:
            self._doubtful.add(number)
            raise

    async def _publish(self, data: dict[str, Any]) -> Any:
        if asyncio.current_task() is None:
            await asyncio.sleep(0)  # begun without one (`Work.begin`): time-outs need a task
        # Stock gives up with a log line, and its caller believes that all is well.
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
                if not self.connected:
                    self._redis_connect()
                return await self.redis.publish(self.channel, self.json.dumps(data))
        except TimeoutError:
            raise Unavailable(
                "The broker did not answer in time. The message may have been published: "
                "repeat it with the same nonce."
            ) from None
        except _FAILURES:
            raise Unavailable from None

    async def _handle_emit(self, message: dict[str, Any]) -> None:
        host_id, namespace = message.get("host_id"), message.get("namespace") or "/"
        if host_id == self._relay_id:
            if message.get("relayed") not in self._doubtful:
                return  # published here when it was sent
            self._doubtful.discard(message["relayed"])
        # Called for this process's own emits too (`emit`), which are no worker's.
        if host_id == self.host_id or not await self.take_in(message):
            if namespace in self.server.namespace_handlers or namespace in self.server.handlers:
                await super()._handle_emit(message)
            else:
                self.counters.rejected[str(namespace)] += 1
                log.warning("rejected what a worker emitted", reason=f"no namespace {namespace!r}")

    async def _listen(self) -> AsyncIterator[Any]:
        # Stock waits up to a minute between tries, and can't say whether it listens.
        while True:
            try:
                if not self.connected:
                    self._redis_connect()
                await self.pubsub.subscribe(self.channel)
                self._note_listening()
                async for message in self.pubsub.listen():
                    if (emitted := self._read(message["data"])) is not None:
                        yield emitted
            except _FAILURES as error:
                self._note_loss(error)
            finally:
                self._listening = False
            await self.pubsub.aclose()
            self.connected = False
            await asyncio.sleep(RETRY_SECONDS)

    def _read(self, data: bytes) -> dict[str, Any] | None:
        # Stock's listener ends, with a traceback, on JSON that is no object.
        try:
            message = self.json.loads(data)
        except (ValueError, RecursionError):
            message = None
        if isinstance(message, dict) and isinstance(message.get("method"), str):
            return message
        log.warning("rejected what a worker emitted", reason="not a manager's message")
        return None

    async def _watch(self) -> None:
        """Ask Redis every few seconds whether it answers: a frozen one closes no connection."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if not self._listening:
                continue
            try:
                async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
                    await self.redis.ping()
                if not self._answering:
                    log.info("Redis answers again", redis=_host(self.redis_url))
                self._answering = True
            except _FAILURES as error:
                if self._answering and self._listening:
                    log.error(
                        "Redis does not answer",
                        redis=_host(self.redis_url),
                        error=type(error).__name__,
                    )
                self._answering = False

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
