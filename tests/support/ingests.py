"""Ingests of the test's own: each is what one process has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from redis.asyncio import Redis

from app.broker.contract import Fence, Published
from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.message import Message, Publication
from app.workers.backlog import Backlog
from app.workers.emits import read_emit
from app.workers.ingest import Ingest
from app.workers.lease import IngestTimes
from tests.support.backends import RunningBackend
from tests.support.hubs import new_hub
from tests.support.members import RecordingFanOut
from tests.support.ready import until

EMITS = "socketio"
# Half of what they are by default: a busy machine must not take a process for a dead one.
QUICK = IngestTimes(renew=0.2, takeover=1.5, longest_takeover=3.0)
LEASE_SECONDS = 1.5


def emitted(number: Any, room: Any = "dev-team", namespace: str = "/circles") -> bytes:
    """Return an emit as the stock manager writes it."""
    payload = {"agent_id": 1, "content": str(number)}
    return json.dumps(
        {
            "method": "emit",
            "event": "agent_message",
            "data": [payload],
            "binary": False,
            "namespace": namespace,
            "room": room,
            "skip_sid": None,
            "callback": None,
            "host_id": "worker",
        }
    ).encode()


class RunningIngest:
    """An ingest, its hub and what they stand on.

    What it publishes waits while `gate` is closed.
    """

    def __init__(
        self, url: str, times: IngestTimes | None = None, backlog: Backlog | None = None
    ) -> None:
        backend = self.backend = RunningBackend(url)
        self.gate = asyncio.Event()
        self.gate.set()
        self._publish_all = backend.broker.publish_all
        backend.broker.publish_all = self._publish_in_time  # type: ignore[method-assign]
        self.hub = new_hub(RecordingFanOut(), backend.broker, backend.presence)
        self.ingest = Ingest(
            self.hub,
            backend.subscriptions,
            backend.commands,
            backend.keys,
            backend.process,
            times or QUICK,
            LEASE_SECONDS,
            backlog,
        )
        backend.subscriptions.listen(EMITS, self._receive)

    @classmethod
    async def start(cls, url: str, **options: Any) -> RunningIngest:
        """Start one on a Redis."""
        one = cls(url, **options)
        await one.backend.connect()
        await one.hub.memberships.start()
        await one.ingest.start()
        return one

    @classmethod
    async def start_caught_up(cls, url: str, **options: Any) -> RunningIngest:
        """Start one and wait until it has received all that is to be ingested."""
        one = await cls.start(url, **options)
        await until(lambda: one.ingest.caught_up)
        return one

    async def close(self) -> None:
        """Stop it as a process does that ends."""
        await self.ingest.close()
        await self.backend.close()

    async def vanish(self) -> None:
        """Stop it as a process does that is killed: nobody is notified."""
        await self.ingest._tasks.cancel()
        await self.backend.vanish()

    async def contents(self, name: str = "dev-team") -> list[str]:
        """Return what is in the history of a circle."""
        page = await self.backend.broker.history(Channel("/circles", name), None, 1000)
        return [content_of(publication) for publication in page.publications]

    def _receive(self, data: bytes) -> None:
        self.ingest.receive(EMITS, data, partial(read_emit, self.hub, json.loads(data)))

    async def _publish_in_time(
        self, targets: Sequence[tuple[Channel, Message]], fence: Fence | None = None
    ) -> Published:
        await self.gate.wait()
        return await self._publish_all(targets, fence)


def content_of(publication: Publication) -> str:
    """Return the content of an agent's message."""
    content: str = json.loads(publication.body)["data"]["content"]
    return content


def names(first: int, last: int) -> list[str]:
    """Return numbers as `emitted` writes them."""
    return [str(number) for number in range(first, last)]


async def emit(redis: Redis, first: int, last: int) -> None:
    """Emit numbered messages."""
    for number in range(first, last):
        await redis.publish(EMITS, emitted(number))


async def until_contents(one: RunningIngest, wanted: list[str]) -> None:
    """Wait until history has as much, and check that it is this."""
    async with asyncio.timeout(30):
        contents: list[str] = []
        while len(contents) < len(wanted):
            await asyncio.sleep(0.02)
            with suppress(Unavailable):
                contents = await one.contents()
    assert contents == wanted


async def rejected(redis: Redis) -> list[tuple[bytes, bytes]]:
    """Return what was rejected, and why."""
    entries: Any = await redis.xrange("hearth:rejected")
    return [(fields[b"data"], fields[b"reason"]) for _id, fields in entries]


def leader_of(some: Sequence[RunningIngest]) -> RunningIngest:
    """Return the one that leads."""
    (leader,) = [one for one in some if one.ingest.leads]
    return leader


async def settled(some: Sequence[RunningIngest]) -> None:
    """Wait until nothing is waiting anywhere."""
    await until(lambda: not any(len(one.ingest._backlog) for one in some))
