"""A sampler lets the first few of a kind and reason through, and says how many more there were."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from app.core.sampler import KINDS, LINES, REASONS, WINDOW_SECONDS, More, Sampler

THINGS = st.tuples(
    st.sampled_from("abc"),
    st.none() | st.integers(0, 2 * REASONS).map(str),
    st.floats(0, WINDOW_SECONDS),
)


def test_the_first_few_are_let_through_and_the_others_told_of_at_the_end() -> None:
    sampler = Sampler()
    assert sampler.next_end is None
    assert [sampler.admits("a", "x", second) for second in range(7)] == [True] * 5 + [False] * 2
    assert sampler.admits("a", "y", 7)
    assert sampler.admits("b", "x", 8)
    assert sampler.next_end == WINDOW_SECONDS
    assert sampler.ended(WINDOW_SECONDS - 1) == []
    assert sampler.ended(WINDOW_SECONDS) == [More("a", "x", 2)]
    assert sampler.next_end == WINDOW_SECONDS + 8
    assert sampler.admits("a", "x", WINDOW_SECONDS)


def test_reasons_without_end_are_one() -> None:
    sampler = Sampler()
    admitted = sum(sampler.admits("a", str(number), 0) for number in range(10_000))
    assert admitted == REASONS + LINES
    assert sampler.end_all() == [More("a", None, 10_000 - admitted)]


def test_so_are_kinds_without_end() -> None:
    sampler = Sampler()
    admitted = sum(sampler.admits(number, "x", 0) for number in range(10 * KINDS))
    assert admitted == KINDS + LINES
    assert sampler.end_all() == [More(None, "x", 10 * KINDS - admitted)]


@given(st.lists(THINGS, max_size=300))
def test_each_is_let_through_or_told_of(things: list[tuple[str, str | None, float]]) -> None:
    sampler, now = Sampler(), 0.0
    seen: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for kind, reason, passed in things:
        now += passed
        for more in sampler.ended(now):
            told[more.kind] += more.number
        seen[kind] += 1
        told[kind] += sampler.admits(kind, reason, now)
    for more in sampler.end_all():
        told[more.kind] += more.number
    assert told == seen
    assert sampler.next_end is None


@given(st.lists(THINGS, max_size=300))
def test_lines_of_a_window_are_bounded(things: list[tuple[str, str | None, float]]) -> None:
    sampler = Sampler()
    admitted = Counter(kind for kind, reason, _passed in things if sampler.admits(kind, reason, 0))
    assert all(number <= (REASONS + 1) * LINES for number in admitted.values())
