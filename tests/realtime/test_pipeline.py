"""Requests of one connection: in the order sent, and publishes right behind each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from app.core.errors import Unavailable
from app.core.session import Session
from app.realtime.client import Request
from app.realtime.pipeline import MOST_IN_FLIGHT, Pipeline
from app.transport.work import Work
from tests.support.transport import RecordingConnection


class Handler:
    """A handler that records requests, and whose publishes the test completes."""

    session: Session | None = None

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.published: list[asyncio.Future[Any]] = []

    async def on_connected(self) -> None: ...

    async def on_disconnected(self) -> None: ...

    def publishes(self, event: str) -> bool:
        return event.startswith("message")

    def on_request(self, request: Request) -> Awaitable[Any] | None:
        self.requests.append(request.event)
        if not self.publishes(request.event):
            return None
        self.published.append(asyncio.get_running_loop().create_future())
        return self.published[-1]


class Pipelined(RecordingConnection):
    """A connection whose messages are requests, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.handler = Handler()
        self.work = Work()
        self._pipeline = Pipeline(self, self.work)

    def _handle(self, message: str | bytes) -> None:
        client: Any = None
        self._pipeline.submit(self.handler, Request([str(message)], None, client, None))


async def settle() -> None:
    for _turn in range(10):
        await asyncio.sleep(0)


async def test_publishes_follow_each_other_at_once() -> None:
    connection = Pipelined()
    connection.receive("message 1", "message 2", "message 3")
    assert connection.handler.requests == ["message 1", "message 2", "message 3"]


async def test_anything_else_waits_for_what_is_published() -> None:
    connection = Pipelined()
    connection.receive("message 1", "message 2", "leave", "message 3")
    await settle()
    assert connection.handler.requests == ["message 1", "message 2"]
    connection.handler.published[0].set_result(None)
    await settle()
    assert connection.handler.requests == ["message 1", "message 2"]
    connection.handler.published[1].set_exception(Unavailable())
    await settle()
    assert connection.handler.requests == ["message 1", "message 2", "leave", "message 3"]


async def test_what_is_published_after_a_wait_is_waited_for() -> None:
    connection = Pipelined()
    connection.receive(*(f"message {number}" for number in range(MOST_IN_FLIGHT + 2)))
    await settle()
    assert len(connection.handler.requests) == MOST_IN_FLIGHT
    for published in connection.handler.published:
        published.set_result(None)
    await settle()
    assert len(connection.handler.requests) == MOST_IN_FLIGHT + 1
    connection.handler.published[-1].set_result(None)
    await settle()
    assert len(connection.handler.requests) == MOST_IN_FLIGHT + 2
    connection.handler.published[-1].set_result(None)
    await settle()
    connection.receive("leave")
    assert connection.handler.requests[-1] == "leave"


async def test_the_server_ends_after_what_is_published() -> None:
    connection = Pipelined()
    connection.receive("message 1")
    finished = asyncio.create_task(connection.work.finish(10))
    await settle()
    assert not finished.done()
    connection.handler.published[0].set_result(None)
    await finished


async def test_what_is_never_published_is_given_up_when_the_server_ends() -> None:
    connection = Pipelined()
    connection.receive("message 1")
    await connection.work.finish(0.01)
    assert connection.handler.published[0].cancelled()
    await settle()
    connection.receive("leave")
    assert connection.handler.requests == ["message 1", "leave"]
