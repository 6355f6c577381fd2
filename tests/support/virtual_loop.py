"""An event loop whose time passes at once: timers fire in order, and nobody waits for them."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, Final

TURN_SECONDS: Final = 1e-6  # what a turn of the loop takes at least, as in life


class _Selector(selectors.DefaultSelector):
    """Instead of sleeping until the next timer, moves `now` there."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing is left to wait for")
        self.now += max(timeout, TURN_SECONDS)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` begins at 0 and jumps from timer to timer."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now

    def stand_still(self, seconds: float) -> None:
        """Let time pass in which nothing happens, not even timers."""
        self._virtual.now += seconds


def run_virtually(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `main()` on a `VirtualLoop`."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
