"""Runs: what may follow what, whoever writes, comes late, is lost, or cancels."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.core.deltas import Delta, Fit, Part
from app.core.run import Cancelling, Ended, Fenced, NotItsWriter, Run, Status, Writer
from app.core.run_messages import REMEMBERED_MESSAGES, RunError, Withdrawn

ANN, BOT = "user:ann", Writer("agent:bot", "c1")
OTHER = Writer("agent:other", "c9")
ENDS = [one for one in Status if one.is_terminal]


def a_run() -> Run:
    return Run("r1", ANN, 100.0)


def a_running_run(retries: int = 0) -> Run:
    run = a_run()
    run.take(BOT, run.assign(BOT, retries), 101.0)
    return run


# Who writes it


def test_a_request_waits_until_it_is_taken() -> None:
    run = a_run()
    assert run.assign(BOT) == 1
    assert (run.status, run.started_at) == (Status.WAITING, None)
    run.take(BOT, 1, 101.0)
    assert (run.status, run.started_at) == (Status.RUNNING, 101.0)


def test_what_its_runner_does_not_take_another_has() -> None:
    run = a_run()
    first = run.assign(BOT)
    assert run.pass_on(first)
    assert run.assign(OTHER) == 2
    with pytest.raises(Fenced):
        run.take(BOT, first, 102.0)
    run.take(OTHER, 2, 102.0)
    assert not run.pass_on(2)
    with pytest.raises(Fenced):
        run.assign(BOT)


def test_only_its_writer_writes_it() -> None:
    run = a_running_run()
    run.require(BOT, 1)
    with pytest.raises(NotItsWriter):
        run.require(OTHER, 1)
    with pytest.raises(Fenced):
        run.require(Writer("agent:bot", "c2"), 1)
    with pytest.raises(Fenced):
        run.require(BOT, 2)


def test_the_connection_that_claimed_it_last_writes_it() -> None:
    run = a_running_run()
    again = Writer("agent:bot", "c2")
    assert run.claim(again, 1)
    run.require(again, 1)
    with pytest.raises(Fenced):
        run.require(BOT, 1)
    assert not run.claim(OTHER, 1)
    assert not run.claim(BOT, 2)


def test_the_worker_that_starts_first_has_it() -> None:
    run, worker, late = a_run(), Writer("worker-1"), Writer("worker-2")
    run.assign(BOT)
    assert run.start(worker, 1, 101.0) == BOT  # who is told
    with pytest.raises(Fenced):
        run.start(late, 1, 102.0)
    assert run.start(worker, 1, 102.0) is None  # a sign of life
    assert run.started_at == 101.0
    run.write(Delta("m1", 0, "a"))
    assert run.start(late, 2, 103.0) == worker
    with pytest.raises(Fenced):
        run.require(worker, 1)
    run.require(late, 2)
    with pytest.raises(Withdrawn):
        run.write(Delta("m1", 1, "b"))


# What it writes


def test_a_delta_is_taken_once_and_leaves_no_gap() -> None:
    run = a_running_run()
    assert run.write(Delta("m1", 0, "a", 2)) is Fit.NEXT
    assert run.write(Delta("m1", 0, "a", 2)) is Fit.REPEATED
    assert run.write(Delta("m1", 3, "c")) is Fit.GAP
    assert run.write(Delta("m1", 0, "why", part="reasoning")) is Fit.NEXT
    assert run.write(Delta("m2", 1, "b")) is Fit.GAP
    assert run.messages.open == ["m1"]


def test_a_whole_message_is_neither_longer_nor_taken_again() -> None:
    run = a_running_run()
    run.write(Delta(7, 0, "a"))
    run.make_whole("7")
    assert run.messages.open == []
    assert run.write(Delta("7", 0, "a")) is Fit.REPEATED
    assert run.write(Delta("7", 1, "b")) is Fit.GAP


def test_whole_messages_are_not_remembered_for_ever() -> None:
    run = a_running_run()
    for number in range(10 * REMEMBERED_MESSAGES):
        run.write(Delta(number, 0, "a"))
        run.make_whole(number)
    assert len(run.messages._whole) == REMEMBERED_MESSAGES


# Its end


@pytest.mark.parametrize("status", ENDS)
def test_it_ends_once_and_nothing_follows(status: Status) -> None:
    run = a_running_run()
    run.write(Delta("m1", 0, "a"))
    run.end(status, 105.0, "why")
    assert (run.status, run.ended_at, run.code) == (status, 105.0, "why")
    for follow in (
        lambda: run.end(Status.FINISHED, 106.0),
        lambda: run.write(Delta("m1", 1, "b")),
        lambda: run.make_whole("m1"),
        lambda: run.require(BOT, 1),
        lambda: run.assign(OTHER),
        lambda: run.start(Writer("worker-1"), 9, 106.0),
    ):
        with pytest.raises(Ended):
            follow()
    assert run.cancel(106.0) is Cancelling.ENDED
    assert not run.claim(BOT, 1)
    assert run.status is status


@pytest.mark.parametrize("status", [Status.WAITING, Status.RUNNING])
def test_what_is_no_end_ends_nothing(status: Status) -> None:
    run = a_running_run()
    with pytest.raises(ValueError, match=status):
        run.end(status, 105.0)
    assert run.status is Status.RUNNING


def test_what_has_not_started_is_cancelled_at_once() -> None:
    waiting, assigned, running = a_run(), a_run(), a_running_run()
    assigned.assign(BOT)
    for run in (waiting, assigned):
        assert run.cancel(101.0) is Cancelling.CANCELLED
        assert run.status is Status.CANCELLED
    assert running.cancel(101.0) is Cancelling.CANCELLING
    assert running.is_cancelling
    running.end(Status.FINISHED, 102.0)  # its writer was quicker


def test_a_lost_attempt_is_followed_by_as_many_as_may_be() -> None:
    run = a_running_run(retries=1)
    run.write(Delta("m1", 0, "a"))
    run.write(Delta("m2", 0, "b"))
    run.make_whole("m1")
    assert run.lose(1) == ["m2"]
    assert not run.status.is_terminal
    assert run.assign(OTHER, retries=5) == 2
    run.take(OTHER, 2, 110.0)
    assert run.started_at == 101.0
    with pytest.raises(Withdrawn):
        run.write(Delta("m2", 1, "c"))
    with pytest.raises(Withdrawn):
        run.make_whole("m2")
    assert run.lose(1) is None  # somebody else's attempt
    assert run.lose(2) is None  # no more
    assert run.status is Status.RUNNING


def test_what_is_to_be_cancelled_is_not_tried_again() -> None:
    run = a_running_run(retries=1)
    run.cancel(105.0)
    assert run.lose(1) is None


class AnyLife(RuleBasedStateMachine):
    """Whatever is done to a run, in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.run = a_run()
        self.now = 101.0
        self.attempts = [0]
        self.ended: Status | None = None
        self.texts: dict[tuple[str, str], list[Delta]] = {}

    def do(self, action: Callable[[], object]) -> object:
        self.now += 1
        try:
            return action()
        except RunError:
            return None
        finally:
            self.attempts.append(self.run.attempt)

    writers = st.sampled_from([BOT, OTHER, Writer("agent:bot", "c2"), Writer("worker-1")])

    @rule(writer=writers, retries=st.integers(0, 2))
    def assign(self, writer: Writer, retries: int) -> None:
        self.do(lambda: self.run.assign(writer, retries))

    @rule(writer=writers, attempt=st.integers(0, 6))
    def take(self, writer: Writer, attempt: int) -> None:
        self.do(lambda: self.run.take(writer, attempt, self.now))

    @rule(writer=writers, attempt=st.integers(0, 6))
    def start(self, writer: Writer, attempt: int) -> None:
        self.do(lambda: self.run.start(writer, attempt, self.now))

    @rule(writer=writers, attempt=st.integers(0, 6))
    def claim(self, writer: Writer, attempt: int) -> None:
        before = self.run.writer
        if self.run.claim(writer, attempt):
            assert before is not None
            assert before.identity == writer.identity

    @rule(attempt=st.integers(0, 6))
    def pass_on(self, attempt: int) -> None:
        self.do(lambda: self.run.pass_on(attempt))

    @rule(attempt=st.integers(0, 6))
    def lose(self, attempt: int) -> None:
        self.do(lambda: self.run.lose(attempt))

    @rule(
        name=st.sampled_from(["m1", "m2"]),
        part=st.sampled_from(get_args(Part)),
        index=st.integers(0, 8),
        count=st.integers(1, 3),
    )
    def write(self, name: str, part: Part, index: int, count: int) -> None:
        delta = Delta(name, index, "x" * count, count, part)
        if self.do(lambda: self.run.write(delta)) is Fit.NEXT:
            self.texts.setdefault((name, part), []).append(delta)

    @rule(name=st.sampled_from(["m1", "m2"]))
    def make_whole(self, name: str) -> None:
        self.do(lambda: self.run.make_whole(name))

    @rule()
    def cancel(self) -> None:
        if self.run.cancel(self.now) is Cancelling.CANCELLED:
            assert self.ended is None
            self.ended = Status.CANCELLED

    @precondition(lambda self: len(self.attempts) > 6)
    @rule(status=st.sampled_from(ENDS))
    def end(self, status: Status) -> None:
        def end() -> None:
            self.run.end(status, self.now)
            assert self.ended is None
            self.ended = status

        self.do(end)

    @invariant()
    def it_has_one_end_at_most(self) -> None:
        assert self.run.status is self.ended if self.ended else not self.run.status.is_terminal
        assert (self.run.ended_at is not None) is (self.ended is not None)

    @invariant()
    def attempts_only_rise(self) -> None:
        assert self.attempts == sorted(self.attempts)

    @invariant()
    def who_runs_has_a_writer(self) -> None:
        if self.run.status is Status.RUNNING:
            assert self.run.writer is not None
            assert self.run.attempt > 0

    @invariant()
    def no_text_has_a_gap_or_a_repeat(self) -> None:
        for deltas in self.texts.values():
            ends = [0, *(one.end for one in deltas)]
            assert [one.index for one in deltas] == ends[:-1]


TestAnyLife = AnyLife.TestCase
