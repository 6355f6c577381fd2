"""What handlers do that takes time: tasks that are kept, looked after, and ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

import structlog

from app.realtime.connection import Connection
from app.realtime.events import ProtocolError

log = structlog.get_logger("hearth.realtime")


class Work:
    """The tasks of a server. What fails in one is logged once, and ends nothing else."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something beside all else."""
        task = asyncio.get_running_loop().create_task(_guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def run(self, connection: Connection, work: Awaitable[Any]) -> None:
        """Do something that a connection's next event is to wait for."""
        connection.hold_requests()
        self.spawn(_in_turn(connection, work))

    async def finish(self, seconds: float) -> None:
        """Let what is at work end; cancel what hasn't after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            for task in self._tasks:
                task.cancel()


async def _guarded(work: Awaitable[Any]) -> None:
    try:
        await work
    except Exception:
        log.exception("a handler failed")


async def _in_turn(connection: Connection, work: Awaitable[Any]) -> None:
    try:
        await work
    except ProtocolError as error:
        connection.fail(error)
    finally:
        connection.go_on()
