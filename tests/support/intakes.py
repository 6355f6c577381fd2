"""Intakes of the test's own: each is what one process has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from app.core.channel import Channel
from app.core.message import Message, Publication, Receipt
from app.hub.hub import Hub
from app.workers.emits import read_emit
from app.workers.intake import Intake
from schemas.catalogue import standard_registry
from tests.support.brokers import RunningBroker
from tests.support.fanout import RecordingFanOut
from tests.support.ready import until

EMITS = "socketio"


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


class RunningIntake:
    """An intake, its hub and its connections.

    What it publishes waits while `gate` is closed.
    """

    def __init__(self, running: RunningBroker) -> None:
        self.running = running
        self.gate = asyncio.Event()
        self.gate.set()
        self.hub = Hub(running.broker, RecordingFanOut(), standard_registry())
        self.intake = Intake(
            self.hub,
            self._publish,
            running.subscriptions,
            running.commands,
            running.keys,
            running.process,
        )
        running.subscriptions.listen(EMITS, self._hear)

    @classmethod
    async def start(cls, url: str) -> RunningIntake:
        """Start one on a Redis."""
        one = cls(await RunningBroker.start(url))
        await one.intake.start()
        return one

    @classmethod
    async def start_whole(cls, url: str) -> RunningIntake:
        """Start one and wait until it has heard all that is to be taken in."""
        one = await cls.start(url)
        await until(lambda: one.intake.whole)
        return one

    async def close(self) -> None:
        """Stop it as a process does that ends."""
        await self.intake.close()
        await self.running.close()

    async def vanish(self) -> None:
        """Stop it as a process does that is killed: nobody is told."""
        task = self.intake._task
        assert task is not None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self.running.vanish()

    async def contents(self, name: str = "dev-team") -> list[str]:
        """Return what is in the history of a circle."""
        page = await self.running.broker.history(Channel("/circles", name), None, 1000)
        return [content_of(publication) for publication in page.publications]

    def _hear(self, data: bytes) -> None:
        self.intake.hear(EMITS, data, partial(read_emit, self.hub, json.loads(data)))

    async def _publish(
        self, targets: Sequence[tuple[Channel, Message]], taken: tuple[str, bytes]
    ) -> tuple[list[Receipt], str]:
        await self.gate.wait()
        return await self.running.broker.publish_taken(targets, taken)


def content_of(publication: Publication) -> str:
    """Return the content of an agent's message."""
    content: str = json.loads(publication.body)["data"]["content"]
    return content
