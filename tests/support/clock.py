"""A clock that stands still until a test moves it."""

from __future__ import annotations

from typing import Final

START: Final = 1_800_000_000.0  # 2027-01-15T08:00:00Z


class SettableClock:
    """Seconds since 1970, as `Callable[[], float]`."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
