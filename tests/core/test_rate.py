"""The token bucket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.rate import TokenBucket

RATES = st.floats(0.5, 1000)  # at a lower rate the burst of twice that is not one message
STEPS = st.lists(st.floats(0, 3), min_size=1, max_size=200)
ROUNDING = 1e-6


def admitted(bucket: TokenBucket, times: int, now: float) -> int:
    return sum(bucket.take(now) == 0 for _ in range(times))


def test_the_burst_is_twice_the_rate() -> None:
    assert admitted(TokenBucket(5), 100, now=0) == 10


def test_it_refills_at_the_rate() -> None:
    bucket = TokenBucket(5)
    admitted(bucket, 10, now=0)
    assert admitted(bucket, 100, now=1) == 5
    assert admitted(bucket, 100, now=1.5) == 2


def test_rest_saves_up_no_more_than_the_burst() -> None:
    bucket = TokenBucket(5)
    admitted(bucket, 10, now=0)
    assert admitted(bucket, 100, now=10_000) == 10


def test_a_refusal_says_when_to_come_back() -> None:
    bucket = TokenBucket(4)
    admitted(bucket, 8, now=0)
    assert bucket.take(0) == pytest.approx(0.25)
    assert bucket.take(0.1) == pytest.approx(0.15)
    assert bucket.take(0.25) == 0


def test_refusals_cost_nothing() -> None:
    bucket = TokenBucket(1)
    admitted(bucket, 1000, now=0)
    assert admitted(bucket, 5, now=1) == 1


def test_rate_0_admits_everything() -> None:
    assert admitted(TokenBucket(0), 1000, now=0) == 1000


def test_a_clock_that_steps_back_takes_nothing_away() -> None:
    bucket = TokenBucket(1)
    bucket.take(100)
    assert bucket.take(50) == 0
    assert bucket.take(50) > 0


@given(RATES, STEPS)
def test_never_more_than_the_rate_times_the_time_and_the_burst(
    rate: float, steps: list[float]
) -> None:
    bucket, now, count = TokenBucket(rate), 0.0, 0
    for step in steps:
        now += step
        count += bucket.take(now) == 0
        assert count <= rate * now + rate * 2 + ROUNDING


@given(RATES, STEPS)
def test_who_waits_long_enough_is_admitted(rate: float, steps: list[float]) -> None:
    bucket, now = TokenBucket(rate), 0.0
    for step in steps:
        now += step
        if (wait := bucket.take(now)) > 0:
            now += wait + ROUNDING
            assert bucket.take(now) == 0


@given(RATES)
def test_who_keeps_to_the_rate_is_never_refused(rate: float) -> None:
    bucket = TokenBucket(rate)
    assert all(bucket.take(number / rate * (1 + ROUNDING)) == 0 for number in range(100))
