"""Work that is done again and again for as long as something lives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def every(seconds: float, work: Callable[[], None]) -> AsyncIterator[None]:
    """Call `work` every so many seconds until the block ends."""

    async def loop() -> None:
        while True:
            await asyncio.sleep(seconds)
            work()

    task = asyncio.create_task(loop())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
