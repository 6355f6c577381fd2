"""Sampler: lets the first few of many like things through, and counts the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

#: Of one kind and reason in a window.
LINES: Final = 5
WINDOW_SECONDS: Final = 60.0
#: Reasons of one kind in a window that are told apart; all others are one.
REASONS: Final = 20
#: Kinds in a window that are told apart; all others are one.
KINDS: Final = 1000


class More(NamedTuple):
    """What was not let through in one window.

    Args:
        kind, reason: None for all those that weren't told apart.
        number: how many.
    """

    kind: Any
    reason: str | None
    number: int


@dataclass(slots=True)
class _Window:
    ends_at: float
    seen: Counter[str | None] = field(default_factory=Counter)


class Sampler:
    """Lets `lines` things of each kind and reason through in a window of time.

    A kind's window begins with the first of its things after the last one has ended. Of kinds and
    reasons, which strangers may choose, only so many are told apart.

    Args:
        lines: at most so many of one kind and reason in a window.
        seconds: the length of a window.
    """

    def __init__(self, lines: int = LINES, seconds: float = WINDOW_SECONDS) -> None:
        self._lines = lines
        self.seconds = seconds
        self._windows: dict[Hashable, _Window] = {}  # in the order in which they end

    def admits(self, kind: Hashable, reason: str | None, now: float) -> bool:
        """Count one thing; return whether it is let through. Call `ended` first."""
        if kind not in self._windows and len(self._windows) >= KINDS:
            kind = None
        window = self._windows.get(kind)
        if window is None:
            window = self._windows[kind] = _Window(now + self.seconds)
        if reason not in window.seen and len(window.seen) >= REASONS:
            reason = None
        window.seen[reason] += 1
        return window.seen[reason] <= self._lines

    @property
    def next_end(self) -> float | None:
        """When the next window ends; None if none is open."""
        window = next(iter(self._windows.values()), None)
        return None if window is None else window.ends_at

    def ended(self, now: float) -> list[More]:
        """End the windows that are over; return what was not let through in them."""
        more: list[More] = []
        while (end := self.next_end) is not None and end <= now:
            kind = next(iter(self._windows))
            window = self._windows.pop(kind)
            more += [
                More(kind, reason, count - self._lines)
                for reason, count in window.seen.items()
                if count > self._lines
            ]
        return more

    def end_all(self) -> list[More]:
        """End all windows."""
        return self.ended(float("inf"))
