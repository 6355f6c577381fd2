"""The rate limit of a connection, by a clock that the test moves."""

from __future__ import annotations

from app.core.errors import RateLimited
from app.transport.connection import Connection
from app.transport.rate_limit import RateLimit
from tests.support.members import Nowhere


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def limited(limit: RateLimit) -> Connection:
    connection = Nowhere()
    limit.begin(connection)
    return connection


def admitted(limit: RateLimit, connection: Connection) -> int:
    """Return how many requests are admitted at once, of a hundred."""
    return sum(limit.refusal(connection) is None for _number in range(100))


def test_what_is_refused_says_after_how_many_seconds_it_is_not() -> None:
    clock = Clock()
    limit = RateLimit(3, clock)
    connection = limited(limit)
    while (refusal := limit.refusal(connection)) is None:
        pass
    assert isinstance(refusal, RateLimited)
    assert refusal.retry_after == 0.334  # a third of a second, in whole milliseconds
    clock.now += refusal.retry_after
    assert limit.refusal(connection) is None
    assert limit.refusal(connection) is not None


def test_each_connection_has_a_bucket_of_its_own() -> None:
    limit = RateLimit(1, Clock())
    hasty, other = limited(limit), limited(limit)
    while limit.refusal(hasty) is None:
        pass
    assert limit.refusal(other) is None


def test_zero_is_no_limit() -> None:
    limit = RateLimit(0, Clock())
    connection = limited(limit)
    assert admitted(limit, connection) == 100
    connection.limit_rate(5)
    assert admitted(limit, connection) == 10
    connection.limit_rate(0)
    assert admitted(limit, connection) == 100


def test_a_connection_may_go_on_at_another_rate() -> None:
    clock = Clock()
    limit = RateLimit(5, clock)
    connection = limited(limit)
    assert admitted(limit, connection) == 10
    connection.limit_rate(20)
    assert admitted(limit, connection) == 40
    connection.limit_rate(20)
    assert admitted(limit, connection) == 0
    clock.now += 10
    connection.limit_rate(1)
    assert admitted(limit, connection) == 2
