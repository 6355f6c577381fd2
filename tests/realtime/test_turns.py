"""Requests of one connection: in the order sent, and publishes right behind each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from app.core.errors import Unavailable
from app.engine.session import Connection
from app.realtime.request import Request
from app.realtime.turns import MOST_UNDER_WAY, Turns
from app.transport.work import Work
from tests.support.transport import RecordingEvents, new_connection


class Handler:
    """Remembers what it was asked, and publishes when it is told to."""

    namespace = "/circles"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.published: list[asyncio.Future[Any]] = []

    async def on_connected(self, sid: str) -> None: ...

    def publishes(self, event: str) -> bool:
        return event.startswith("message")

    def on_request(self, sid: str, request: Request) -> Awaitable[Any] | None:
        self.asked.append(request.event)
        if not self.publishes(request.event):
            return None
        self.published.append(asyncio.get_running_loop().create_future())
        return self.published[-1]


class TurnsOfOne(RecordingEvents):
    """Requests of one connection, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.handler = Handler()
        self.work = Work()
        self.connection = new_connection(self)
        self._turns = Turns(self.work)

    def ask(self, *names: str) -> None:
        for name in names:
            self.connection.receive(f"4{name}")

    def on_message(self, connection: Connection, packet: str | bytes) -> None:
        client: Any = None
        request = Request([str(packet)[1:]], None, client, None)
        self._turns.take(connection, self.handler, "sid", request)


async def settle() -> None:
    for _turn in range(10):
        await asyncio.sleep(0)


async def test_publishes_follow_each_other_at_once() -> None:
    turns = TurnsOfOne()
    turns.ask("message 1", "message 2", "message 3")
    assert turns.handler.asked == ["message 1", "message 2", "message 3"]


async def test_anything_else_waits_for_what_is_published() -> None:
    turns = TurnsOfOne()
    turns.ask("message 1", "message 2", "leave", "message 3")
    await settle()
    assert turns.handler.asked == ["message 1", "message 2"]
    turns.handler.published[0].set_result(None)
    await settle()
    assert turns.handler.asked == ["message 1", "message 2"]
    turns.handler.published[1].set_exception(Unavailable())
    await settle()
    assert turns.handler.asked == ["message 1", "message 2", "leave", "message 3"]


async def test_what_is_published_after_a_wait_is_waited_for() -> None:
    turns = TurnsOfOne()
    turns.ask(*(f"message {number}" for number in range(MOST_UNDER_WAY + 2)))
    await settle()
    assert len(turns.handler.asked) == MOST_UNDER_WAY
    for published in turns.handler.published:
        published.set_result(None)
    await settle()
    assert len(turns.handler.asked) == MOST_UNDER_WAY + 1
    turns.handler.published[-1].set_result(None)
    await settle()
    assert len(turns.handler.asked) == MOST_UNDER_WAY + 2
    turns.handler.published[-1].set_result(None)
    await settle()
    turns.ask("leave")
    assert turns.handler.asked[-1] == "leave"


async def test_the_server_ends_after_what_is_published() -> None:
    turns = TurnsOfOne()
    turns.ask("message 1")
    finished = asyncio.create_task(turns.work.finish(10))
    await settle()
    assert not finished.done()
    turns.handler.published[0].set_result(None)
    await finished


async def test_what_is_never_published_is_given_up_when_the_server_ends() -> None:
    turns = TurnsOfOne()
    turns.ask("message 1")
    await turns.work.finish(0.01)
    assert turns.handler.published[0].cancelled()
    await settle()
    assert turns.connection.under_way == 0
