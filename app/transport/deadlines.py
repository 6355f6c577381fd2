"""What has to happen within a fixed time: one timer for all that it is expected of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

T = TypeVar("T", bound=Hashable)

_STEP_SECONDS: Final = 0.05


class Deadlines(Generic[T]):
    """Call `late` for each that is not discarded in time.

    All have the same time, so the one added first is due first.

    Args:
        seconds: how long each has.
    """

    def __init__(self, seconds: float, late: Callable[[T], object]) -> None:
        self._seconds = seconds
        self._late = late
        self._due_at: dict[T, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, one: T) -> None:
        """Expect something of `one` from now on."""
        loop = asyncio.get_running_loop()
        self._due_at[one] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look)

    def discard(self, one: T) -> None:
        """Expect nothing more of `one`, if anything."""
        self._due_at.pop(one, None)

    def clear(self) -> list[T]:
        """Expect nothing more; return of whom it was, in the order they were added."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        expected = list(self._due_at)
        self._due_at.clear()
        return expected

    def _look(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        late: list[T] = []
        for one, due_at in self._due_at.items():
            if due_at > now:
                # Not for each on its own, where many come one after the other.
                self._timer = loop.call_at(max(due_at, now + _STEP_SECONDS), self._look)
                break
            late.append(one)
        for one in late:
            del self._due_at[one]
        for one in late:
            self._late(one)
