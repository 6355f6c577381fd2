"""Tasks of one owner: finished or cancelled with it, and logged when they fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextvars import Context
from typing import Any, Final, TypeVar

import structlog

from app.core.errors import HearthError

_CANCEL_AGAIN_SECONDS: Final = 0.1
_ITEMS_A_TURN: Final = 50

T = TypeVar("T")

log = structlog.get_logger("hearth")


class Tasks:
    """The tasks of one owner. A task that fails is logged once, and affects nothing else.

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
        """Start a task."""
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def keep(self, future: asyncio.Future[Any]) -> None:
        """Have `finish` wait for a future of somebody else, who handles its errors."""
        self._tasks.add(future)
        future.add_done_callback(self._tasks.discard)

    def every(self, seconds: float, work: Callable[[], object]) -> None:
        """Call `work` every `seconds` from now on."""

        async def repeat() -> None:
            while True:
                await asyncio.sleep(seconds)
                work()

        self.add(repeat())

    async def finish(self, seconds: float) -> None:
        """Wait until all are done, including those added meanwhile; cancel them after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            await self.cancel()

    async def cancel(self) -> None:
        """Cancel them, and wait until all are done."""
        while left := [task for task in self._tasks if not task.done()]:
            for task in left:
                task.cancel()
            # Libraries may swallow the cancellation, such as redis-py while it connects.
            await asyncio.wait(left, timeout=_CANCEL_AGAIN_SECONDS)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        # A `HearthError` is handled by whoever awaits the task.
        if error is not None and not isinstance(error, HearthError):
            log.error("a task failed", subject=self._subject, exc_info=error)


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """Iterate over items, and let others have their turn now and then, where nothing waits."""
    for number, item in enumerate(items, 1):
        yield item
        if number % _ITEMS_A_TURN == 0:
            await asyncio.sleep(0)
