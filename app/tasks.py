"""Tasks that are kept: they end with their owner, and what fails in one is logged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Final

import structlog

from app.core.errors import HearthError

_CANCEL_AGAIN_SECONDS: Final = 0.1

log = structlog.get_logger("hearth")


class Tasks:
    """The tasks of one owner. What fails in one is logged once, and ends nothing else.

    Args:
        subject: what they are for, in logs.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._tasks: set[asyncio.Future[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def add(
        self, work: Coroutine[Any, Any, None], context: Context | None = None
    ) -> asyncio.Task[None]:
        """Begin something."""
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def keep(self, future: asyncio.Future[Any]) -> None:
        """Have `finish` wait for what is done elsewhere; whoever does it tells of its errors."""
        self._tasks.add(future)
        future.add_done_callback(self._tasks.discard)

    def every(self, seconds: float, work: Callable[[], object]) -> None:
        """Call `work` every so many seconds from now on."""

        async def repeat() -> None:
            while True:
                await asyncio.sleep(seconds)
                work()

        self.add(repeat())

    async def finish(self, seconds: float) -> None:
        """Let them end by themselves, also those that are added meanwhile; cancel those that
        haven't after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            await self.cancel()

    async def cancel(self) -> None:
        """End them now."""
        while left := [task for task in self._tasks if not task.done()]:
            for task in left:
                task.cancel()
            # Libraries may swallow it, redis-py while it connects.
            await asyncio.wait(left, timeout=_CANCEL_AGAIN_SECONDS)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        # Of a `HearthError` those who wait for the task are told.
        if error is not None and not isinstance(error, HearthError):
            log.error("a task failed", subject=self._subject, exc_info=error)
