"""Which drops there are is chance, but the same for each seed."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.drops.plan import DROPS_IN_ROUND, ROUND, plan

AWAY = (0.5, 1.5)


@given(seed=st.integers(0), rounds=st.integers(0, 5))
def test_every_kind_comes_in_each_round(seed: int, rounds: int) -> None:
    kinds = Counter(drop.kind for drop in plan(seed, rounds * DROPS_IN_ROUND, AWAY))
    assert kinds == {kind: times * rounds for kind, times in ROUND.items() if rounds}


@given(seed=st.integers(0), count=st.integers(0, 50))
def test_a_seed_says_it_all(seed: int, count: int) -> None:
    drops = list(plan(seed, count, AWAY))
    assert drops == list(plan(seed, count, AWAY))
    assert len(drops) == count
    assert all(AWAY[0] <= drop.away <= AWAY[1] for drop in drops)
