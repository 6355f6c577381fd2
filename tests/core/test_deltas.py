"""Deltas: what is taken once, and what is the same however it was cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.deltas import Delta, Fit, Pieces, join

CUTS = st.lists(st.tuples(st.text(max_size=6), st.integers(1, 4)), min_size=1, max_size=30)


def cut(parts: list[tuple[str, int]]) -> list[Delta]:
    """Return deltas that follow one another, from the message's beginning."""
    deltas: list[Delta] = []
    for text, count in parts:
        index = deltas[-1].end if deltas else 0
        deltas.append(Delta("m1", index, text, count))
    return deltas


def test_a_delta_is_next_repeated_or_leaves_a_gap() -> None:
    delta = Delta("m1", 4, "two words", count=2)
    fits = {end: delta.fits(end) for end in range(9)}
    assert fits.pop(4) is Fit.NEXT
    assert {end for end, fit in fits.items() if fit is Fit.REPEATED} == {6, 7, 8}
    assert {end for end, fit in fits.items() if fit is Fit.GAP} == {0, 1, 2, 3, 5}


@given(CUTS)
def test_joined_they_are_the_same_text(parts: list[tuple[str, int]]) -> None:
    joined = join(cut(parts))
    assert joined.text == "".join(text for text, _count in parts)
    assert (joined.index, joined.end) == (0, sum(count for _text, count in parts))


@given(CUTS, st.data())
def test_it_does_not_matter_how_they_are_joined(
    parts: list[tuple[str, int]], data: st.DataObject
) -> None:
    deltas = cut(parts)
    at = data.draw(st.integers(1, len(deltas)))
    head, tail = deltas[:at], deltas[at:]
    assert join([join(head), *([join(tail)] if tail else [])]) == join(deltas)


@pytest.mark.parametrize(
    "deltas",
    [
        [],
        [Delta("m1", 0, "a"), Delta("m1", 2, "c")],
        [Delta("m1", 0, "a"), Delta("m1", 0, "a")],
        [Delta("m1", 0, "a"), Delta("m2", 1, "b")],
        [Delta("m1", 0, "a"), Delta("m1", 1, "b", part="reasoning")],
    ],
)
def test_what_does_not_follow_is_not_joined(deltas: list[Delta]) -> None:
    with pytest.raises(ValueError, match=r"no deltas|doesn't follow"):
        join(deltas)


def test_a_number_names_the_same_message_as_its_text() -> None:
    assert join([Delta(7, 0, "a"), Delta("7", 1, "b")]) == Delta(7, 0, "ab", 2)


@given(CUTS, st.lists(st.integers(1, 5), min_size=30, max_size=30), st.data())
def test_whoever_has_seen_a_part_gets_the_rest(
    parts: list[tuple[str, int]], steps: list[int], data: st.DataObject
) -> None:
    deltas = cut(parts)
    offsets = [sum(steps[: number + 1]) for number in range(len(deltas))]
    pieces = Pieces(deltas[0], offsets[0])
    for delta, offset in zip(deltas[1:], offsets[1:], strict=True):
        pieces.add(delta, offset)
    seen_up_to = data.draw(st.integers(0, offsets[-1]))
    seen = [delta for delta, offset in zip(deltas, offsets, strict=True) if offset <= seen_up_to]
    rest = pieces.after(seen_up_to)
    together = [*seen, *([rest] if rest else [])]
    assert join(together) == join(deltas)
    assert (pieces.first_offset, pieces.offset) == (offsets[0], offsets[-1])
    assert pieces.bytes == sum(len(text.encode()) for text, _count in parts)


def test_only_what_comes_next_is_added() -> None:
    pieces = Pieces(Delta("m1", 0, "a"), 5)
    for delta, offset in (
        (Delta("m1", 2, "c"), 6),
        (Delta("m1", 0, "a"), 6),
        (Delta("m1", 1, "b"), 5),
    ):
        with pytest.raises(ValueError, match="doesn't follow"):
            pieces.add(delta, offset)
    assert pieces.after(0) == Delta("m1", 0, "a")
    assert pieces.after(5) is None
