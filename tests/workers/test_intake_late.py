"""What others take in before it is heard here."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson
import pytest
import redis.asyncio

from app.core.channel import Channel
from app.draft import Draft
from app.hub import Hub
from app.redis.scripts import Script
from app.workers.intake import ACQUIRE, Intake
from schemas.catalogue import standard_registry
from tests.support.brokers import RunningBroker
from tests.support.fanout import RecordingFanOut
from tests.support.ready import until
from tests.support.redis import RedisServer

LOGS = Channel("/feeds", "codeworm:logs")


class Process:
    """What a server process takes emits in with."""

    def __init__(self, running: RunningBroker) -> None:
        self.running = running
        self.heard: list[bytes] = []
        self.intake = Intake(
            Hub(running.broker, RecordingFanOut(), standard_registry()),
            running.broker.publish_taken,
            lambda: running.broker.hears,
            running.broker.hear_all,
            running.commands,
            running.keys,
            running.process,
        )
        running.subscriptions.listen("emits", self._on_message)

    def _on_message(self, data: bytes) -> None:
        self.heard.append(data)
        self.intake.hear("emits", data, partial(_read, data))

    async def close(self) -> None:
        await self.intake.close()
        await self.running.close()


async def _read(data: bytes) -> list[Draft]:
    return [Draft(LOGS, "log", orjson.loads(data))]


async def test_what_is_heard_after_it_was_taken_in_is_not_published_again(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = redis.asyncio.Redis.from_url(redis_server.url)
    one, two = [Process(await RunningBroker.start(redis_server.url)) for _ in range(2)]
    await one.intake.start()
    await until(lambda: one.intake._holds)
    await two.intake.start()

    # Commands go on, and subscriptions lag, as after a process was stopped for a while.
    link = two.running.subscriptions.link
    assert link is not None
    link._transport.pause_reading()
    asked: list[Script] = []
    run = two.running.commands.run

    def note_and_run(script: Script, *arguments: Any) -> Any:
        asked.append(script)
        return run(script, *arguments)

    monkeypatch.setattr(two.running.commands, "run", note_and_run)
    await worker.publish("emits", b'{"line":1}')
    await until(lambda: not len(one.intake._pending) and bool(one.heard))
    asked.clear()
    await until(lambda: ACQUIRE in asked)
    await two.running.commands.send("PING")  # it was answered
    link._transport.resume_reading()
    await until(lambda: bool(two.heard))

    await one.close()
    await until(lambda: two.intake._holds)
    await worker.publish("emits", b'{"line":2}')
    await until(lambda: len(two.heard) > 1 and not len(two.intake._pending))
    page = await two.running.broker.history(LOGS, None, 10)
    lines = [orjson.loads(publication.body)["data"]["line"] for publication in page.publications]
    assert lines == [1, 2]
    await two.close()
    await worker.aclose()
