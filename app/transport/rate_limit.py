"""The rate limit: how many requests a second each connection may send."""

from __future__ import annotations

import math
from collections.abc import Callable

from app.core.errors import RateLimited
from app.core.rate import TokenBucket


class RateLimit:
    """The rate of requests that one connection may send (`MESSAGES_PER_SECOND`).

    Args:
        per_second: requests a second.
        clock: seconds, of any origin.
    """

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._clock = clock

    @classmethod
    def of(cls, per_second: float, clock: Callable[[], float]) -> RateLimit | None:
        """Return the limit of a setting; None if the setting is 0, which sets no limit."""
        return cls(per_second, clock) if per_second > 0 else None

    def bucket(self) -> TokenBucket:
        """Return the token bucket of a new connection."""
        return TokenBucket(self._per_second)

    def refusal(self, bucket: TokenBucket) -> RateLimited | None:
        """Count a request; return why it is refused, or None."""
        wait = bucket.take(self._clock())
        return RateLimited(retry_after=math.ceil(wait * 1000) / 1000) if wait > 0 else None
