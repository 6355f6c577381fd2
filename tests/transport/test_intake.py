"""How much a connection may send before it isn't read for a moment."""

from __future__ import annotations

import math

import pytest

from app.transport.intake import MOST_PAUSE_SECONDS, Intake

RATE = 10


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def send(intake: Intake, count: int, size: int = 10) -> float:
    """Return how long it isn't read after so many messages at once."""
    for _number in range(count):
        intake.take(size)
    return intake.pause() if intake.left < 0 else 0.0


def test_a_burst_and_twice_that_in_refusals_are_read_at_once(clock: Clock) -> None:
    intake = Intake(RATE, clock)
    assert send(intake, 3 * 2 * RATE) == 0
    assert send(intake, 1) > 0


def test_twice_the_rate_is_read_for_ever(clock: Clock) -> None:
    intake = Intake(RATE, clock)
    for _second in range(100):
        assert send(intake, 2 * RATE) == 0
        clock.now += 1


def test_what_is_over_the_rate_waits_as_long_as_it_takes_but_a_second_at_most(
    clock: Clock,
) -> None:
    intake = Intake(RATE, clock)
    assert send(intake, 3 * 2 * RATE + 5) == pytest.approx(5 / (2 * RATE))
    assert send(intake, 1000) == MOST_PAUSE_SECONDS
    clock.now += 1000
    assert intake.pause() == 0
    assert intake.left == 3 * 2 * RATE


def test_large_messages_count_several_times(clock: Clock) -> None:
    intake = Intake(RATE, clock)
    before = intake.left
    intake.take(1_000_000)
    assert before - intake.left == 16


def test_without_a_rate_limit_there_is_no_end(clock: Clock) -> None:
    assert Intake(0, clock).left == math.inf
    assert send(Intake(0, clock), 10_000) == 0


def test_it_goes_on_at_another_rate(clock: Clock) -> None:
    intake = Intake(RATE, clock)
    assert send(intake, 60) == 0
    intake.go_on_at(2 * RATE)
    assert send(intake, 60) == 0
    assert send(intake, 1) > 0
    intake.go_on_at(2 * RATE)  # again
    assert intake.pause() > 0
    clock.now += 1
    assert send(intake, 39) == 0
    intake.go_on_at(0)
    assert send(intake, 1000) == 0
    intake.go_on_at(RATE)
    assert send(intake, 60) == 0
    assert send(intake, 1) > 0


def test_what_costs_more_counts_for_more(clock: Clock) -> None:
    intake = Intake(RATE, clock)
    intake.charge(59)
    assert send(intake, 1) == 0
    assert send(intake, 1) > 0
