"""Workers, that send through Redis."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tests.promises.ledger import Attempt, Emitted
from tests.promises.publishers import Publisher
from tests.promises.topics import TOPICS, data_digest, payload, topics_of
from tests.support.workers import StockManager

_PAUSE_SECONDS: Final = 0.2
_ONCE = Retry(NoBackoff(), 0)  # each attempt is counted, so redis-py makes none of its own


class EmitPublisher(Publisher):
    """A worker with a stock manager, that emits into one channel or into all of a namespace."""

    def __init__(self, redis_url: str, *common: Any) -> None:
        super().__init__(*common)
        self._attempts: list[Attempt] = []
        quiet = logging.getLogger("torture.worker")
        quiet.disabled = True  # it is to fail
        self._manager = _CountedManager(
            self._attempts,
            redis_url,
            logger=quiet,
            redis_options={"retry": _ONCE},
        )

    async def send(self, mark: str) -> None:
        topic = self.randomly.choice(TOPICS)
        alike = topics_of(topic.namespace)
        many = len(alike) > 1 and self.randomly.random() < 0.3
        kind = "emit to many" if many else "emit"
        data = payload(topic.emitted, mark, self.padding())
        topics = tuple(str(one) for one in (alike if many else [topic]))
        self._attempts = self._manager.attempts = []
        self.ledger.add(Emitted(kind, mark, topics, data_digest(data), self._attempts))
        room = [one.channel for one in alike] if many else topic.channel
        await self._manager.emit(topic.emitted, data, topic.namespace, room)

    async def close(self) -> None:
        await self._manager.close()


class _CountedManager(StockManager):
    """The stock manager; what Redis answers to each of its attempts is noted."""

    def __init__(self, attempts: list[Attempt], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.attempts = attempts

    def _redis_connect(self) -> None:
        super()._redis_connect()
        publish = self.redis.publish
        self.redis.publish = lambda *args: _note(self.attempts, lambda: publish(*args))


class BusPublisher(Publisher):
    """A worker that publishes on the event bus, in plain Redis."""

    def __init__(self, redis_url: str, *common: Any) -> None:
        super().__init__(*common)
        self._redis = redis.asyncio.Redis.from_url(redis_url, retry=_ONCE)

    async def send(self, mark: str) -> None:
        topic = self.randomly.choice([one for one in TOPICS if one.namespace in BUS])
        channel, key = BUS[topic.namespace]
        data = payload(topic.emitted, mark, self.padding())
        if key is not None:
            data[key] = topic.channel
        attempts: list[Attempt] = []
        self.ledger.add(Emitted("bus", mark, (str(topic),), None, attempts))
        try:
            await _note(attempts, lambda: self._redis.publish(channel, orjson.dumps(data)))
        except (redis.RedisError, OSError):
            await asyncio.sleep(_PAUSE_SECONDS)

    async def close(self) -> None:
        await self._redis.aclose()


#: Namespace → channel of the bus, and what names the channel there.
BUS: Final[dict[str, tuple[str, str | None]]] = {
    "/circles": ("agent.message", "circle_name"),
    "/workspaces": ("workspace.file_changed", "workspace_id"),
    "/feeds": ("codeworm:logs", None),
}


async def _note(attempts: list[Attempt], publish: Callable[[], Awaitable[int]]) -> int:
    """Publish in Redis, and note how many received it."""
    began = asyncio.get_running_loop().time()
    receivers = None
    try:
        receivers = await publish()
        return receivers
    finally:
        attempts.append(Attempt(began, asyncio.get_running_loop().time(), receivers))
