"""End connections when their tokens do (contract §5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

# Event loops count milliseconds in machine words: a token of a hundred years is waited for in days.
_LONGEST_WAIT_SECONDS: Final = 86_400.0


class ExpiryTimer:
    """Call `expire(sid)` once the instant set for `sid` has come.

    Args:
        clock: seconds since 1970.
    """

    def __init__(
        self, clock: Callable[[], float], expire: Callable[[str], Awaitable[None]]
    ) -> None:
        self._clock = clock
        self._expire = expire
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def set(self, sid: str, expires_at: float | None) -> None:
        """Set or move the instant, in seconds since 1970; None: never."""
        self.cancel(sid)
        if expires_at is not None:
            wait = min(max(0.0, expires_at - self._clock()), _LONGEST_WAIT_SECONDS)
            loop = asyncio.get_running_loop()
            self._timers[sid] = loop.call_later(wait, self._due, sid, expires_at)

    def cancel(self, sid: str) -> None:
        """Forget a connection."""
        if (timer := self._timers.pop(sid, None)) is not None:
            timer.cancel()

    def _due(self, sid: str, expires_at: float) -> None:
        if expires_at > self._clock():
            self.set(sid, expires_at)
            return
        del self._timers[sid]
        task = asyncio.ensure_future(self._run(sid))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, sid: str) -> None:
        await self._expire(sid)
