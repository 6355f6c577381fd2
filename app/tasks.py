"""Work beside all else: tasks that are kept and looked after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from app.core.errors import HearthError

log = structlog.get_logger("hearth")


class Tasks:
    """Tasks that end with their owner. What fails in one is logged once."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin something."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def every(self, seconds: float, work: Callable[[], object]) -> None:
        """Call `work` every so many seconds from now on."""

        async def repeat() -> None:
            while True:
                await asyncio.sleep(seconds)
                work()

        self.add(repeat())

    async def cancel(self) -> None:
        """End them all."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(
            error, HearthError
        ):  # its waiters are told of those
            log.error("a task failed", exc_info=error)
