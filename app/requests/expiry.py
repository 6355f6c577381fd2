"""The expiry of tokens, which disconnects their clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Final, Generic, TypeVar

from app.tasks import Tasks

T = TypeVar("T", bound=Hashable)

# Event loops overflow on waits of many years: longer ones are split.
_LONGEST_WAIT_SECONDS: Final = 86_400.0


class ExpiryTimer(Generic[T]):
    """A timer that calls `expire` for each client when its token expires.

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

    def set(self, client: T, ends_at: float | None) -> None:
        """Set or replace when a client is to end, in seconds since 1970; None: never."""
        self.cancel(client)
        if ends_at is not None:
            wait = min(max(0.0, ends_at - self._clock()), _LONGEST_WAIT_SECONDS)
            loop = asyncio.get_running_loop()
            self._timers[client] = loop.call_later(wait, self._due, client, ends_at)

    def cancel(self, client: T) -> None:
        """Remove a client."""
        if (timer := self._timers.pop(client, None)) is not None:
            timer.cancel()

    def _due(self, client: T, ends_at: float) -> None:
        if ends_at > self._clock():
            self.set(client, ends_at)
            return
        del self._timers[client]
        self._tasks.add(self._expire(client))
