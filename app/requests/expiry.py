"""Expiry of tokens: connections end when theirs do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

T = TypeVar("T", bound=Hashable)

# Event loops count milliseconds in machine words: a token of a hundred years is waited for in days.
_LONGEST_WAIT_SECONDS: Final = 86_400.0


class ExpiryTimer(Generic[T]):
    """Calls `expire` for each connection once the instant that is set for it has come.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float], expire: Callable[[T], Awaitable[None]]) -> None:
        self._clock = clock
        self._expire = expire
        self._timers: dict[T, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def set(self, one: T, expires_at: float | None) -> None:
        """Set or move the instant, in seconds since 1970; None: never."""
        self.cancel(one)
        if expires_at is not None:
            wait = min(max(0.0, expires_at - self._clock()), _LONGEST_WAIT_SECONDS)
            loop = asyncio.get_running_loop()
            self._timers[one] = loop.call_later(wait, self._due, one, expires_at)

    def cancel(self, one: T) -> None:
        """Forget a connection."""
        if (timer := self._timers.pop(one, None)) is not None:
            timer.cancel()

    def _due(self, one: T, expires_at: float) -> None:
        if expires_at > self._clock():
            self.set(one, expires_at)
            return
        del self._timers[one]
        task = asyncio.ensure_future(self._run(one))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, one: T) -> None:
        await self._expire(one)
