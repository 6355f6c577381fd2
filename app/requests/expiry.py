"""Expiry of tokens: connections end when theirs do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Final, Generic, TypeVar

from app.tasks import Tasks

T = TypeVar("T", bound=Hashable)

# Event loops count milliseconds in machine words: a token of a hundred years is waited for in days.
_LONGEST_WAIT_SECONDS: Final = 86_400.0


class ExpiryTimer(Generic[T]):
    """Calls `expire` for each connection once the instant that is set for it has come.

    Args:
        clock: seconds since 1970.
    """

    def __init__(
        self, clock: Callable[[], float], expire: Callable[[T], Coroutine[Any, Any, None]]
    ) -> None:
        self._clock = clock
        self._expire = expire
        self._timers: dict[T, asyncio.TimerHandle] = {}
        self._tasks = Tasks("expiry of tokens")

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
        self._tasks.add(self._expire(one))
