"""The event loop's lag: how late what is due happens, because something else takes long."""

from __future__ import annotations

import asyncio
from typing import Final

TICK_SECONDS: Final = 0.1
WINDOW_SECONDS: Final = 15.0  # Prometheus looks about as often


class LoopLag:
    """The most that a timer was late, lately."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._worst = self._worst_before = 0.0
        self._window_ends_at = 0.0

    @property
    def seconds(self) -> float:
        """The most in this window of `WINDOW_SECONDS` and the one before it."""
        return max(self._worst, self._worst_before)

    def start(self) -> None:
        """Measure from now on."""
        loop = asyncio.get_running_loop()
        self._window_ends_at = loop.time() + WINDOW_SECONDS
        self._schedule(loop)

    def stop(self) -> None:
        """Stop measuring."""
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        due_at = loop.time() + TICK_SECONDS
        self._timer = loop.call_at(due_at, self._tick, loop, due_at)

    def _tick(self, loop: asyncio.AbstractEventLoop, due_at: float) -> None:
        now = loop.time()
        self._worst = max(self._worst, now - due_at)
        if now >= self._window_ends_at:
            self._worst_before, self._worst = self._worst, 0.0
            self._window_ends_at = now + WINDOW_SECONDS
        self._schedule(loop)
