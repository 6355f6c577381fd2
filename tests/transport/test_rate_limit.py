"""The rate limit of a connection, by a clock that the test moves."""

from __future__ import annotations

from app.core.errors import RateLimited
from app.transport.rate_limit import RateLimit


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_is_refused_says_after_how_many_seconds_it_is_not() -> None:
    clock = Clock()
    limit = RateLimit(3, clock)
    bucket = limit.bucket()
    while (refusal := limit.refusal(bucket)) is None:
        pass
    assert isinstance(refusal, RateLimited)
    assert refusal.retry_after == 0.334  # a third of a second, in whole milliseconds
    clock.now += refusal.retry_after
    assert limit.refusal(bucket) is None
    assert limit.refusal(bucket) is not None


def test_each_connection_has_a_bucket_of_its_own() -> None:
    limit = RateLimit(1, Clock())
    hasty, other = limit.bucket(), limit.bucket()
    while limit.refusal(hasty) is None:
        pass
    assert limit.refusal(other) is None


def test_zero_is_no_limit() -> None:
    assert RateLimit.of(0, Clock()) is None
    assert RateLimit.of(0.5, Clock()) is not None
