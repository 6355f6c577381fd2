"""The runs of a channel: their order, repeats, cancellations that come first, and bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.channel_runs import (
    KNOWN_SECONDS,
    Busy,
    ChannelRuns,
    Outcome,
    Request,
    TooManyWaiting,
    WhenBusy,
)
from app.core.run import Cancelling, Ended, Run, Status, Writer

ANN, BOB = "user:ann", "user:bob"
BOT = Writer("agent:bot", "c1")
WAIT = 60.0


def some_runs(most_waiting: int = 5) -> ChannelRuns:
    return ChannelRuns(most_waiting, WAIT)


def ask(runs: ChannelRuns, run_id: str, when_busy: WhenBusy = WhenBusy.ENQUEUE) -> Run:
    return runs.ask(Request(run_id, ANN, when_busy=when_busy), 100.0).run


def begin(run: Run) -> None:
    run.take(BOT, run.assign(BOT), 101.0)


def startable(runs: ChannelRuns) -> list[str]:
    return [run.run_id for run in runs.startable()]


def test_requests_are_done_one_after_the_other() -> None:
    runs = some_runs()
    first, second = ask(runs, "r1"), ask(runs, "r2")
    assert startable(runs) == ["r1"]
    first.assign(BOT)
    assert startable(runs) == []
    first.take(BOT, 1, 101.0)
    assert startable(runs) == []
    first.end(Status.FINISHED, 102.0)
    assert startable(runs) == ["r2"]
    second.cancel(103.0)
    assert startable(runs) == []


def test_what_may_run_in_parallel_waits_for_nobody() -> None:
    runs = some_runs()
    begin(ask(runs, "r1"))
    ask(runs, "r2")
    begin(ask(runs, "r3", WhenBusy.PARALLEL))
    ask(runs, "r4", WhenBusy.PARALLEL)
    assert startable(runs) == ["r4"]


def test_who_does_not_want_to_wait_is_told() -> None:
    runs = some_runs()
    ask(runs, "r1", WhenBusy.REJECT)
    with pytest.raises(Busy):
        ask(runs, "r2", WhenBusy.REJECT)
    assert runs.get("r2") is None


def test_a_request_may_make_others_go() -> None:
    runs = some_runs()
    running, waiting = ask(runs, "r1"), ask(runs, "r2")
    begin(running)
    asked = runs.ask(Request("r3", ANN, when_busy=WhenBusy.CANCEL), 105.0)
    assert asked.cancelled == (
        (running, Cancelling.CANCELLING),
        (waiting, Cancelling.CANCELLED),
    )
    assert startable(runs) == []
    running.end(Status.CANCELLED, 106.0)
    assert startable(runs) == ["r3"]


def test_a_repeat_asks_for_nothing() -> None:
    runs = some_runs()
    request = Request("r1", ANN, nonce="n1")
    first = runs.ask(request, 100.0)
    assert runs.ask(request, 101.0) == (Outcome.DUPLICATE, first.run, ())
    first.run.end(Status.FAILED, 102.0)
    assert runs.ask(request, 103.0).outcome is Outcome.DUPLICATE  # also when it has ended
    with pytest.raises(Ended):
        runs.ask(Request("r1", BOB, nonce="n1"), 104.0)  # somebody else's


def test_another_message_for_the_run_is_input() -> None:
    runs = some_runs()
    run = ask(runs, "r1")
    assert runs.ask(Request("r1", BOB, nonce="n2"), 101.0) == (Outcome.INPUT, run, ())
    begin(run)
    assert runs.ask(Request("r1", BOB), 102.0).outcome is Outcome.INPUT
    run.end(Status.FINISHED, 103.0)
    with pytest.raises(Ended):
        runs.ask(Request("r1", BOB), 104.0)


@pytest.mark.parametrize(("after", "status"), [(WAIT - 1, "cancelled"), (WAIT + 1, "waiting")])
def test_a_cancellation_may_come_before_its_request(after: float, status: str) -> None:
    runs = some_runs()
    assert runs.cancel("r1", 100.0) is Cancelling.CANCELLED
    asked = runs.ask(Request("r1", ANN), 100.0 + after)
    assert (asked.outcome, asked.run.status) == (Outcome.NEW, status)
    assert asked.run.started_at is None


def test_only_so_many_wait() -> None:
    runs = some_runs(most_waiting=3)
    begin(ask(runs, "r0"))
    for number in range(2):
        ask(runs, f"r{number + 1}")
    runs.cancel("later", 101.0)
    for more in (lambda: ask(runs, "r4"), lambda: runs.cancel("another", 102.0)):
        with pytest.raises(TooManyWaiting):
            more()
    runs.cancel("later", 103.0)  # again
    assert runs.ask(Request("later", ANN), 104.0).run.status is Status.CANCELLED
    ask(runs, "r4")


def test_what_ended_is_known_for_an_hour() -> None:
    runs = some_runs()
    request = Request("r1", ANN, nonce="n1")
    runs.ask(request, 100.0).run.end(Status.FINISHED, 200.0)
    runs.cancel("r2", 100.0)
    runs.forget(199.0 + KNOWN_SECONDS)
    assert runs.ask(request, 300.0).outcome is Outcome.DUPLICATE
    runs.forget(201.0 + KNOWN_SECONDS)
    assert list(runs) == []
    assert (runs._by_nonce, runs._cancelled_at) == ({}, {})
    assert runs.ask(request, 4000.0).outcome is Outcome.NEW


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "begin", "end", "cancel"]),
            st.integers(0, 6),
            st.sampled_from(list(WhenBusy)),
        ),
        max_size=40,
    )
)
def test_no_two_run_at_once_unless_they_may(steps: list[tuple[str, int, WhenBusy]]) -> None:
    runs, now = some_runs(), 100.0
    for step, number, when_busy in steps:
        now += 1
        run = runs.get(f"r{number}")
        try:
            if step == "ask":
                runs.ask(Request(f"r{number}", ANN, when_busy=when_busy), now)
            elif step == "cancel":
                runs.cancel(f"r{number}", now)
            elif step == "begin" and runs.startable():
                begin(runs.startable()[0])
            elif step == "end" and run is not None:
                run.end(Status.FINISHED, now)
        except (Ended, Busy, TooManyWaiting):
            continue
        running = [one for one in runs.active if one.status is Status.RUNNING]
        assert sum(one.run_id not in runs._parallel for one in running) <= 1
        assert sum(one.status is Status.WAITING for one in runs) <= 5
        waiting = [one for one in runs.active if one.run_id not in runs._parallel]
        if waiting and not any(one.writer for one in waiting):
            assert waiting[0] in runs.startable()  # nobody waits for nothing
