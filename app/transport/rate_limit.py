"""The rate limit of connections: so many requests a second for each."""

from __future__ import annotations

import math
from collections.abc import Callable

from app.core.errors import RateLimited
from app.core.rate import TokenBucket


class RateLimit:
    """What one connection may ask in a second (`MESSAGES_PER_SECOND`).

    Args:
        per_second: requests; 0 sets no limit.
        clock: seconds, of any origin.
    """

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._clock = clock

    def bucket(self) -> TokenBucket | None:
        """Return a new connection's bucket; None where there is no limit."""
        return TokenBucket(self._per_second) if self._per_second > 0 else None

    def refusal(self, bucket: TokenBucket | None) -> RateLimited | None:
        """Count a request; return why it is refused, or None."""
        if bucket is None or (wait := bucket.take(self._clock())) <= 0:
            return None
        return RateLimited(retry_after=math.ceil(wait * 1000) / 1000)
