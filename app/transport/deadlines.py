"""Deadlines of equal length, kept by one timer for all items."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

T = TypeVar("T", bound=Hashable)

_STEP_SECONDS: Final = 0.05


class Deadlines(Generic[T]):
    """Call `late` for each item that is not discarded in time.

    All items have the same time, so the one added first is due first.

    Args:
        seconds: from `add` to an item's deadline.
    """

    def __init__(self, seconds: float, late: Callable[[T], object]) -> None:
        self._seconds = seconds
        self._late = late
        self._due_at: dict[T, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, item: T) -> None:
        """Start the deadline of an item."""
        loop = asyncio.get_running_loop()
        self._due_at[item] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._call_late)

    def discard(self, item: T) -> None:
        """Stop the deadline of an item; does nothing where there is none."""
        self._due_at.pop(item, None)

    def clear(self) -> list[T]:
        """Stop all deadlines; return their items in the order in which they were added."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        items = list(self._due_at)
        self._due_at.clear()
        return items

    def _call_late(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        late: list[T] = []
        for item, due_at in self._due_at.items():
            if due_at > now:
                # Batched: many deadlines may follow each other closely.
                self._timer = loop.call_at(max(due_at, now + _STEP_SECONDS), self._call_late)
                break
            late.append(item)
        for item in late:
            del self._due_at[item]
        for item in late:
            self._late(item)
