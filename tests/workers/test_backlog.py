"""The backlog: a queue from which entries are removed by digest."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from app.hub.draft import Draft
from app.workers.backlog import Backlog, Received, digest


async def nothing() -> list[Draft]:
    return []


def received(name: str) -> Received:
    """Return something that is told apart by its name."""
    return Received(digest("socketio", name.encode()), "socketio", name.encode(), nothing, 0.0)


NAMES = st.sampled_from("abc")
ACTIONS = st.lists(
    st.tuples(st.just("add"), NAMES)
    | st.tuples(st.just("remove"), NAMES)
    | st.tuples(st.just("forget"), st.integers(0, 8))
)


@given(ACTIONS)
def test_it_is_a_list(actions: list[tuple[str, str | int]]) -> None:
    backlog = Backlog()
    model: list[tuple[int, str]] = []
    added = 0
    for action, value in actions:
        if action == "add":
            backlog.add(received(str(value)))
            model.append((added, str(value)))
            added += 1
        elif action == "remove":
            number = backlog.remove(received(str(value)).digest)
            found = next((one for one in model if one[1] == value), None)
            assert number == (found[0] if found else None)
            if found:
                model.remove(found)
        else:
            backlog.forget(int(value))
            model = [one for one in model if one[0] >= int(value)]
        oldest_first = [one.data.decode() for one in backlog.first(100, 1000)]
        assert oldest_first == [name for _n, name in model]
        oldest = backlog.oldest()
        assert (oldest[0] if oldest else None) == (model[0][0] if model else None)
        assert (len(backlog), backlog.size, backlog.next) == (len(model), len(model), added)
    left = Counter(name for _number, name in model)
    for name in "abc":
        for _ in range(left[name]):
            assert backlog.remove(received(name).digest) is not None
        assert backlog.remove(received(name).digest) is None


def test_the_first_few_are_the_oldest() -> None:
    backlog = Backlog()
    for name in "abcd":
        backlog.add(received(name))
    assert [one.data for one in backlog.first(2, 1000)] == [b"a", b"b"]


def test_the_first_are_no_larger_than_asked_for_unless_it_is_one() -> None:
    backlog = Backlog()
    for name in ("aaaa", "b", "cc", "d"):
        backlog.add(received(name))
    assert [one.data for one in backlog.first(10, 3)] == [b"aaaa"]
    backlog.remove(received("aaaa").digest)
    assert [one.data for one in backlog.first(10, 3)] == [b"b", b"cc"]


def test_the_source_counts() -> None:
    assert digest("a", b"x") != digest("b", b"x")
    assert len(digest("a", b"x")) == 12
