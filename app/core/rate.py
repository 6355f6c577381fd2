"""Token bucket: a steady rate with room for a burst."""

from __future__ import annotations

from dataclasses import dataclass, field


def burst_of(rate: float) -> float:
    """Return how many requests are admitted at once, at a rate of so many a second."""
    return max(1.0, rate * 2)


@dataclass(slots=True)
class TokenBucket:
    """Admits `rate` requests a second, and bursts of twice that but at least one.

    Args:
        rate: requests per second; 0 admits everything.
    """

    rate: float
    _burst: float = field(init=False)
    _tokens: float = field(init=False)
    _at: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._burst = self._tokens = burst_of(self.rate)

    def take(self, now: float) -> float:
        """Take one token.

        Returns:
            0 if there was one, else the seconds until there is one.
        """
        if self.rate <= 0:
            return 0.0
        tokens = self._tokens
        if self._at is not None and now > self._at:
            tokens += (now - self._at) * self.rate
            if tokens > self._burst:
                tokens = self._burst
        self._at = now
        if tokens >= 1:
            self._tokens = tokens - 1
            return 0.0
        self._tokens = tokens
        return (1 - tokens) / self.rate
