"""The rate limit: how many requests a second each connection may send.

The identity's own limit, over all of its connections, is counted by `app/hub/quotas.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from app.core.errors import AgentRateLimited, RateLimited
from app.core.rate import TokenBucket
from app.transport.connection import Connection


class RateLimit:
    """The rate of requests that one connection may send (`MESSAGES_PER_SECOND`).

    Args:
        per_second: requests a second; 0: any number.
        clock: seconds, of any origin.
    """

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._clock = clock
        # For memory, connections have one together until they send something.
        self._unused = TokenBucket(per_second) if per_second > 0 else None

    def begin(self, connection: Connection) -> None:
        """Limit the requests of a new connection."""
        connection.bucket = self._unused

    def refusal(self, connection: Connection) -> RateLimited | None:
        """Count a request; return why it is refused, or None."""
        bucket = connection.bucket
        if bucket is None:
            return None
        if bucket is self._unused:
            bucket = connection.bucket = TokenBucket(bucket.rate)
        wait = bucket.take(self._clock())
        if wait <= 0:
            return None
        # Only of those another rate is set.
        error = RateLimited if bucket.rate == self._per_second else AgentRateLimited
        return error(retry_after=math.ceil(wait * 1000) / 1000)
