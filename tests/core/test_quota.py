"""Quotas: a budget that connections and processes share fairly, by a clock that the test moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.quota import FIRST_REQUESTS, Quota, Share, Tally

RATE = 100.0
STEP = 0.01
ROUNDING = 1e-6


class Identity:
    """An identity's quota in one process, and the requests of its connections."""

    def __init__(self, rate: float = RATE) -> None:
        self.now = 0.0
        self.due: dict[Quota, None] = {}
        self.quota = Quota("user:alice", rate, self.due, self.now)
        self.admitted: Counter[Share] = Counter()

    def open(self, connections: int = 1) -> list[Share]:
        shares = []
        for _number in range(connections):
            self.quota.add(1, self.now)
            shares.append(Share(self.quota, self.now))
        return shares

    def close(self, share: Share) -> None:
        share.give_back()
        self.quota.add(-1, self.now)

    def ask(self, share: Share, requests: int = 1) -> float:
        """Ask for so many at once; return the last wait."""
        wait = 0.0
        for _number in range(requests):
            if not share.spend() and (wait := share.draw(self.now)) > 0:
                continue
            self.admitted[share] += 1
        return wait

    def run(self, seconds: float, each: Callable[[], object]) -> None:
        for _number in range(round(seconds / STEP)):
            self.now += STEP
            each()

    @property
    def total(self) -> int:
        return sum(self.admitted.values())


def test_one_connection_may_use_the_whole_budget() -> None:
    alice = Identity()
    [tab] = alice.open()
    alice.ask(tab, 1000)
    assert alice.admitted[tab] == RATE
    alice.run(10, lambda: alice.ask(tab, 5))
    assert alice.admitted[tab] == pytest.approx(RATE * 11, abs=2)


def test_a_refusal_says_when_to_come_back() -> None:
    alice = Identity()
    [tab] = alice.open()
    wait = alice.ask(tab, 1000)
    assert 0 < wait <= 1 / RATE + ROUNDING
    before = alice.total
    alice.now += wait / 2
    assert 0 < alice.ask(tab) <= wait
    alice.now += wait
    assert alice.ask(tab) == 0
    assert alice.total == before + 1


def test_who_sends_little_is_never_refused_because_others_flood() -> None:
    alice = Identity()
    tab, *flood = alice.open(10)
    sent = 0

    def step() -> None:
        nonlocal sent
        for share in flood:
            alice.ask(share, 20)
        if round(alice.now / STEP) % 20 == 0:  # five a second: half of its share
            assert alice.ask(tab) == 0
            sent += 1

    alice.run(1, lambda: [alice.ask(share, 20) for share in flood])
    alice.run(20, step)
    assert alice.admitted[tab] == sent == 100
    assert alice.total <= RATE * 21 + 2 * RATE


def test_what_a_connection_leaves_others_may_use() -> None:
    alice = Identity()
    hasty, *_idle = alice.open(50)
    alice.ask(hasty, 1000)
    alice.admitted.clear()
    alice.run(10, lambda: alice.ask(hasty, 5))
    assert alice.total == pytest.approx(RATE * 10, rel=0.05)


def test_hasty_ones_share_evenly_what_is_scarce() -> None:
    alice = Identity()
    shares = alice.open(9)
    alice.run(2, lambda: [alice.ask(share, 5) for share in shares])
    alice.admitted.clear()
    alice.run(20, lambda: [alice.ask(share, 5) for share in shares])
    assert min(alice.admitted.values()) >= 20 * RATE / 10 - 2
    assert alice.total == pytest.approx(20 * RATE, rel=0.05)


def test_reconnecting_brings_nothing() -> None:
    alice = Identity()

    def reconnect() -> None:
        for share in alice.open(5):
            alice.ask(share, 50)
            alice.close(share)

    alice.run(6, reconnect)
    assert alice.total <= RATE * 6 + 3 * RATE


def test_a_new_connection_gets_through_a_flood_of_others() -> None:
    alice = Identity(1000)
    flood = alice.open(19)
    alice.run(3, lambda: [alice.ask(share, 15) for share in flood])
    [tab] = alice.open()
    assert alice.ask(tab, FIRST_REQUESTS) == 0
    alice.run(1, lambda: [alice.ask(share, 15) for share in flood])
    assert alice.ask(tab, 10) == 0


def test_what_was_not_used_is_given_back() -> None:
    alice = Identity(1000)
    [tab] = alice.open()
    alice.ask(tab)
    assert alice.quota.spare < 999
    alice.close(tab)
    assert alice.quota.spare == pytest.approx(999)


def test_it_is_over_once_nothing_is_open_and_the_budget_is_full() -> None:
    alice = Identity()
    [tab] = alice.open()
    alice.ask(tab, 1000)
    assert not alice.quota.is_over(10)
    alice.now = 10.0
    alice.ask(tab, 1000)
    alice.close(tab)
    assert not alice.quota.is_over(10.5)
    assert alice.quota.is_over(11.1)


# Several processes


class Cluster:
    """The same identity in several processes, which tell each other after each interval."""

    INTERVAL = 0.4

    def __init__(self, processes: int) -> None:
        self.processes = [Identity() for _number in range(processes)]

    def tell(self) -> None:
        told = {}
        for number, process in enumerate(self.processes):
            if process.quota in process.due:
                del process.due[process.quota]
                told[number] = process.quota.tally(process.now)
        for number, tally in told.items():
            for other, process in enumerate(self.processes):
                if other != number:
                    process.quota.hear(f"p{number}", tally, process.now)

    def run(self, seconds: float, each: Callable[[Identity], object]) -> None:
        for _number in range(round(seconds / self.INTERVAL)):
            for process in self.processes:
                process.run(self.INTERVAL, partial(each, process))
            self.tell()

    @property
    def total(self) -> int:
        return sum(process.total for process in self.processes)


@pytest.mark.parametrize("count", [2, 5, 20])
def test_processes_keep_to_the_budget_together(count: int) -> None:
    cluster = Cluster(count)
    shares = {process: process.open(3) for process in cluster.processes}
    cluster.tell()
    cluster.tell()
    cluster.run(10, lambda process: [process.ask(share, 3) for share in shares[process]])
    assert RATE * 10 * 0.9 <= cluster.total <= RATE * 10 + RATE + count


@pytest.mark.parametrize("count", [2, 10])
def test_what_they_admitted_before_they_knew_of_each_other_is_made_up_for(count: int) -> None:
    cluster = Cluster(count)
    shares = {process: process.open() for process in cluster.processes}
    cluster.run(40, lambda process: [process.ask(share, 4) for share in shares[process]])
    # Each has had the whole budget, and its burst, until it heard of the others.
    assert cluster.total <= RATE * 40 + count * RATE


def test_a_process_alone_in_its_haste_gets_what_others_leave() -> None:
    cluster = Cluster(4)
    shares = {process: process.open(2) for process in cluster.processes}
    hasty = cluster.processes[0]
    cluster.tell()
    cluster.run(2, lambda process: process is hasty and process.ask(shares[process][0], 20))
    hasty.admitted.clear()
    cluster.run(10, lambda process: process is hasty and process.ask(shares[process][0], 20))
    assert hasty.total == pytest.approx(10 * RATE, rel=0.05)


def test_a_flood_at_one_process_leaves_the_other_its_share() -> None:
    cluster = Cluster(2)
    quiet, hasty = cluster.processes
    [tab], flood = quiet.open(), hasty.open(9)
    cluster.tell()
    waits = []

    def each(process: Identity) -> None:
        if process is hasty:
            for share in flood:
                process.ask(share, 10)
        elif round(process.now / STEP) % 20 == 0:
            waits.append(process.ask(tab))

    cluster.run(20, each)
    assert len(waits) == 100
    assert not any(waits)


def test_wandering_from_process_to_process_brings_little() -> None:
    """A fresh process gives its burst once; what it gave is made up for."""
    cluster = Cluster(4)
    turn = 0

    def each(process: Identity) -> None:
        if process is cluster.processes[turn % 4]:
            [share] = process.open()
            process.ask(share, 60)
            process.close(share)

    for _number in range(50):
        cluster.run(Cluster.INTERVAL, each)
        turn += 1
    assert cluster.total <= 1.5 * RATE * 20


def test_a_process_that_is_gone_has_nothing() -> None:
    alice = Identity()
    alice.open(2)
    alice.quota.hear("p2", Tally(3), 0)
    assert alice.quota.total == 5
    alice.quota.forget("p2", 0)
    assert alice.quota.total == 2
    assert alice.quota.share == RATE / 3


@given(
    st.floats(1, 1000),
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 7), st.integers(0, 300), st.booleans()),
        max_size=60,
    ),
)
def test_never_more_than_the_budget_and_two_bursts(
    rate: float, steps: list[tuple[float, int, int, bool]]
) -> None:
    alice = Identity(rate)
    shares = alice.open(3)
    most = 3
    for wait, which, requests, reconnects in steps:
        alice.now += wait
        share = shares[which % len(shares)]
        alice.ask(share, requests)
        if reconnects:
            alice.close(share)
            shares.remove(share)
            shares += alice.open(1 + which % 2)
            most = max(most, len(shares))
    # A connection that has a share of less than one request a second may still send one.
    assert alice.total <= rate * alice.now + 3 * max(rate, 1) + most + 1


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(0, 2)), max_size=60))
def test_who_waits_as_long_as_is_told_is_admitted(steps: list[tuple[float, int]]) -> None:
    alice = Identity(5)
    shares = alice.open(3)
    for wait, which in steps:
        alice.now += wait
        if (told := alice.ask(shares[which])) > 0:
            alice.now += told + ROUNDING
            assert alice.ask(shares[which]) == 0
