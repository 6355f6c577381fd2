"""The rate limit: how many requests a second each connection may send."""

from __future__ import annotations

import math
from collections.abc import Callable

from app.core.errors import RateLimited
from app.core.rate import TokenBucket


class RateLimit:
    """The rate of requests that one connection may send (`MESSAGES_PER_SECOND`).

    Args:
        per_second: requests a second; 0 sets no limit.
        clock: seconds, of any origin.
    """

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._clock = clock

    def bucket(self) -> TokenBucket | None:
        """Return the token bucket of a new connection; None where there is no limit."""
        return TokenBucket(self._per_second) if self._per_second > 0 else None

    def refusal(self, bucket: TokenBucket | None) -> RateLimited | None:
        """Count a request; return why it is refused, or None."""
        if bucket is None or (wait := bucket.take(self._clock())) <= 0:
            return None
        return RateLimited(retry_after=math.ceil(wait * 1000) / 1000)
