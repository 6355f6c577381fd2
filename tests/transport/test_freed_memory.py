"""Freed memory is given back after growth, and only then."""

from __future__ import annotations

import pytest

from app.transport.freed_memory import LEAST_GROWTH_BYTES, PAUSES, FreedMemory

MB = 1024 * 1024


class Process:
    """A process whose C library keeps what is freed."""

    def __init__(self) -> None:
        self.used = self.resident = 50 * MB
        self.given_back = 0
        self.memory = FreedMemory(lambda: self.resident, self.give_back)

    def use(self, size: int) -> None:
        self.used = size
        self.resident = max(self.resident, size)

    def give_back(self) -> None:
        self.given_back += 1
        self.resident = self.used


def test_what_a_burst_has_left_is_given_back() -> None:
    process = Process()
    process.use(120 * MB)
    process.use(51 * MB)
    process.memory.check()
    assert process.resident == 51 * MB


@pytest.mark.parametrize("checks", [1, 2, 5, 20])
def test_what_is_freed_some_time_after_the_growth_is_given_back(checks: int) -> None:
    process = Process()
    process.use(120 * MB)
    for _check in range(checks):
        process.memory.check()
    process.use(51 * MB)
    for _check in range(checks + 4):
        process.memory.check()
    assert process.resident == 51 * MB


def test_a_process_that_has_grown_for_good_is_left_alone() -> None:
    process = Process()
    process.use(120 * MB)
    for _check in range(1000):
        process.memory.check()
    assert process.given_back == len(PAUSES)


def test_a_process_that_stays_as_it_is_loses_no_time() -> None:
    process = Process()
    for size in (50 * MB, 50 * MB + LEAST_GROWTH_BYTES, 40 * MB):
        process.use(size)
        process.memory.check()
    assert process.given_back == 0


def test_a_process_that_grows_for_good_loses_little() -> None:
    process = Process()
    for size in range(50 * MB, 1000 * MB, MB):
        process.use(size)
        process.memory.check()
    assert process.given_back < 600


def test_memory_that_went_back_by_itself_may_be_used_again() -> None:
    process = Process()
    process.resident = process.used = 30 * MB
    process.memory.check()
    process.use(45 * MB)
    process.use(30 * MB)
    process.memory.check()
    assert process.resident == 30 * MB


def test_the_memory_of_this_process_is_known() -> None:
    memory = FreedMemory.of_process()
    assert memory._least > 10 * MB
    memory._give_back()
