"""Those who send: clients that retry until they are acknowledged, and workers through Redis."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
import redis.asyncio
import socketio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tests.conftest import token
from tests.torture.connection import Connection, Lost
from tests.torture.ledger import Attempt, Emitted, Ledger, Published
from tests.torture.members import LIFETIME_SECONDS
from tests.torture.servers import Servers
from tests.torture.topics import TOPICS, Topic, digest, payload, topics_of

_PAUSE_SECONDS: Final = 0.2
_ONCE = Retry(NoBackoff(), 0)  # each attempt is counted, so redis-py makes none of its own


class Publisher:
    """One that sends messages until it is told to stop.

    Args:
        name: like no other's.
        mean_pause: seconds between its messages.
    """

    def __init__(self, name: str, ledger: Ledger, seed: int, mean_pause: float) -> None:
        self.name = name
        self.ledger = ledger
        self.randomly = random.Random(seed)
        self.stopping = asyncio.Event()
        self._mean_pause = mean_pause
        self._number = 0

    async def run(self) -> None:
        """Send until `stopping` is set and the last one is done with."""
        try:
            while not self.stopping.is_set():
                self._number += 1
                await self.send(f"{self.name}-{self._number}")
                await asyncio.sleep(self.randomly.uniform(0, 2 * self._mean_pause))
        finally:
            await self.close()

    def padding(self) -> str:
        """Return some text, mostly short."""
        return "x" * int(self.randomly.paretovariate(1.0) * 20 % 3000)

    async def send(self, mark: str) -> None:
        """Send one message."""
        raise NotImplementedError

    async def close(self) -> None:
        """Let go of what it has."""


class ClientPublisher(Publisher):
    """A Socket.IO client: a nonce, and again and again until there is an ack.

    Now and then it gives up at the first failure, or repeats what was acknowledged.
    """

    def __init__(
        self,
        topic: Topic,
        servers: Servers,
        *common: Any,
    ) -> None:
        super().__init__(*common)
        self._topic = topic
        self._servers = servers
        self._token = token(self.name, topic.kind, "*:*:rw", expires_in=LIFETIME_SECONDS)  # type: ignore[arg-type]
        self._connection: Connection | None = None

    async def send(self, mark: str) -> None:
        data = payload(self._topic.type, mark, self.padding())
        sent = Published("client", mark, str(self._topic), digest(data))
        self.ledger.add(sent)
        message = {"channel": self._topic.channel, "data": data, "nonce": mark}
        gives_up = self.randomly.random() < 0.05
        repeats = self.randomly.random() < 0.05
        while not sent.acked or repeats:
            if sent.acked:
                repeats = False
                await self.close()  # to another server, perhaps
            try:
                answer = await (await self._connected()).request(self._topic.type, message)
            except Lost:
                answer = {"ok": False, "error": {"code": "unavailable"}}
            if answer["ok"]:
                sent.answers.add((answer["offset"], answer["epoch"]))
            elif answer["error"]["code"] != "unavailable":
                raise RuntimeError(f"{mark} was refused: {answer['error']}")
            elif gives_up:
                return
            else:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.lost.is_set():
            await self.close()
            self._connection = Connection(self._topic.namespace, _ignore)
            await self._connection.open(self._servers.any_url(self.randomly), self._token)
        return self._connection


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
            write_only=True,
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
        self.ledger.add(Emitted(kind, mark, topics, digest(data), self._attempts))
        room = [one.channel for one in alike] if many else topic.channel
        await self._manager.emit(topic.emitted, data, topic.namespace, room)

    async def close(self) -> None:
        if self._manager.redis is not None:
            await self._manager.redis.aclose()


class _CountedManager(socketio.AsyncRedisManager):  # type: ignore[misc]
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
    """Publish in Redis, and note how many heard it."""
    began = asyncio.get_running_loop().time()
    receivers = None
    try:
        receivers = await publish()
        return receivers
    finally:
        attempts.append(Attempt(began, asyncio.get_running_loop().time(), receivers))


def _ignore(_event: str, _envelope: Any) -> None: ...
