"""The window of the newest messages, and what recovers from it (docs/protocol.md, promise 3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.history import HistoryOptions, HistoryWindow, Position
from app.core.message import Publication

EPOCH = "e1"


def publication(offset: int, published_at: float = 0.0, size: int = 2) -> Publication:
    return Publication(offset, "user_message", b"{" + b"x" * (size - 2) + b"}", published_at)


def window_of(
    count: int, size: int = 100, seconds: float = 0, most_bytes: int = 0
) -> HistoryWindow:
    window = HistoryWindow(EPOCH, HistoryOptions(size, seconds, most_bytes=most_bytes))
    for offset in range(1, count + 1):
        window.append(publication(offset))
    return window


def offsets(publications: list[Publication]) -> list[int | None]:
    return [one.offset for one in publications]


def bytes_of(publications: list[Publication]) -> int:
    return sum(len(one.body) for one in publications)


def newest_of(publications: list[Publication], count: int) -> list[Publication]:
    return publications[-count:] if count else []


class Model:
    """A window, and beside it everything that was ever published into it."""

    def __init__(self, size: int, seconds: float, most_bytes: int) -> None:
        self.window = HistoryWindow(EPOCH, HistoryOptions(size, seconds, most_bytes=most_bytes))
        self.ever: list[Publication] = []
        self.now = 1000.0
        self._size, self._seconds, self._most_bytes = size, seconds, most_bytes

    def append(self, size: int) -> None:
        self.ever.append(publication(len(self.ever) + 1, self.now, size))
        self.window.append(self.ever[-1])

    @property
    def kept(self) -> list[Publication]:
        newest = newest_of(self.ever, self._size)
        while self._most_bytes and bytes_of(newest) > self._most_bytes and len(newest) > 1:
            del newest[0]
        if not self._seconds:
            return newest
        return [one for one in newest if one.published_at > self.now - self._seconds]


@st.composite
def models(draw: st.DrawFn) -> Model:
    model = Model(
        draw(st.integers(0, 8)),
        draw(st.sampled_from([0, 5, 20])),
        draw(st.sampled_from([0, 9, 30])),
    )
    steps = st.tuples(st.sampled_from(["append", "wait"]), st.integers(0, 12))
    for step, number in draw(st.lists(steps, max_size=25)):
        if step == "append":
            model.append(number + 2)
        else:
            model.now += number
    return model


@given(models(), st.integers(-3, 28), st.sampled_from([EPOCH, "e0"]), st.none() | st.integers(0, 9))
def test_recovery_is_everything_after_since_or_the_newest(
    model: Model, offset: int, epoch: str, limit: int | None
) -> None:
    since, newest = Position(offset, epoch), len(model.ever)
    recovery = model.window.recover(since, limit, model.now)
    missed, kept = model.ever[max(0, offset) :], model.kept
    recovers = epoch == EPOCH and 0 <= offset <= newest and all(one in kept for one in missed)
    assert recovery.position == Position(newest, EPOCH)
    assert recovery.recovered is recovers
    if recovers:
        assert recovery.publications == missed
    else:
        assert recovery.publications == newest_of(kept, len(kept) if limit is None else limit)


@given(models(), st.none() | st.integers(0, 12))
def test_without_since_it_is_the_newest_that_were_asked_for(
    model: Model, limit: int | None
) -> None:
    recovery = model.window.recover(None, limit, model.now)
    assert recovery.publications == newest_of(model.kept, limit or 0)
    assert not recovery.recovered


@given(models(), st.integers(1, 10))
def test_pages_walk_back_through_everything_without_gap_or_overlap(
    model: Model, limit: int
) -> None:
    walked: list[Publication] = []
    before: int | None = None
    more = True
    while more:
        page = model.window.page(before, limit, model.now)
        assert len(page.publications) <= limit
        assert page.position == Position(len(model.ever), EPOCH)
        walked = page.publications + walked
        more = page.more
        if more:
            before = page.publications[0].offset
    assert walked == model.kept


@given(models(), st.integers(1, 40), st.integers(1, 10))
def test_a_page_is_the_newest_before_an_offset(model: Model, before: int, limit: int) -> None:
    page = model.window.page(before, limit, model.now)
    older = [one for one in model.kept if one.offset is not None and one.offset < before]
    assert page.publications == older[-limit:]
    assert page.more is (len(older) > limit)


@given(models())
def test_it_holds_what_is_kept_and_no_more(model: Model) -> None:
    model.window.trim(model.now)
    assert len(model.window) == len(model.kept)
    assert model.window.bytes == bytes_of(model.kept)
    assert model.window.position == Position(len(model.ever), EPOCH)


@pytest.mark.parametrize("offset", [0, 1, 2, 4, 5])
def test_offsets_without_gaps_only(offset: int) -> None:
    window = window_of(2)
    with pytest.raises(ValueError, match=f"offset {offset} after 2"):
        window.append(publication(offset))
    assert window.offset == 2
    assert len(window) == 2


def test_recovered_at_the_newest_is_nothing_to_send() -> None:
    recovery = window_of(3).recover(Position(3, EPOCH), None, now=0)
    assert (recovery.recovered, recovery.publications) == (True, [])


def test_a_new_channel_recovers_from_its_beginning() -> None:
    recovery = window_of(0).recover(Position(0, EPOCH), None, now=0)
    assert (recovery.recovered, recovery.publications) == (True, [])


def test_an_offset_that_was_never_published_is_not_recovered() -> None:
    recovery = window_of(3).recover(Position(4, EPOCH), None, now=0)
    assert recovery.recovered is False
    assert offsets(recovery.publications) == [1, 2, 3]


def test_recovery_takes_no_heed_of_the_limit() -> None:
    recovery = window_of(9).recover(Position(2, EPOCH), 3, now=0)
    assert offsets(recovery.publications) == [3, 4, 5, 6, 7, 8, 9]


def test_what_was_trimmed_by_size_is_not_recovered() -> None:
    window = window_of(5, size=3)
    assert window.recover(Position(2, EPOCH), None, now=0).recovered is True
    lost = window.recover(Position(1, EPOCH), 2, now=0)
    assert (lost.recovered, offsets(lost.publications)) == (False, [4, 5])


def test_what_was_trimmed_by_bytes_is_not_recovered() -> None:
    window = window_of(5, most_bytes=7)
    assert window.recover(Position(2, EPOCH), None, now=0).recovered is True
    lost = window.recover(Position(1, EPOCH), 2, now=0)
    assert (lost.recovered, offsets(lost.publications)) == (False, [4, 5])


def test_the_newest_stays_however_large_it_is() -> None:
    window = window_of(2, most_bytes=7)
    window.append(publication(3, size=100))
    assert (len(window), window.bytes, window.trimmed) == (1, 100, 2)
    window.append(publication(4))
    assert (len(window), window.bytes) == (1, 2)


def test_what_is_compacted_counts_no_more() -> None:
    window = window_of(1, most_bytes=10)
    for offset in range(2, 9):
        window.append(publication(offset, size=4), "a key")
    assert (len(window), window.bytes, window.trimmed) == (2, 6, 0)


def test_a_message_is_kept_until_its_age_is_reached() -> None:
    window = window_of(1, seconds=60)
    assert len(window.page(None, 10, now=59.9).publications) == 1
    assert window.page(None, 10, now=60).publications == []


def test_size_0_keeps_nothing_but_counts() -> None:
    window = window_of(2, size=0)
    assert (len(window), window.offset) == (0, 2)
    assert window.recover(Position(2, EPOCH), None, now=0).recovered is True
    assert window.recover(Position(1, EPOCH), None, now=0).recovered is False


def test_a_clock_that_steps_back_leaves_offsets_and_order() -> None:
    window = HistoryWindow(EPOCH, HistoryOptions(100, 60))
    for offset, at in enumerate([100.0, 40.0, 110.0], start=1):
        window.append(publication(offset, at))
    assert offsets(window.page(None, 10, now=120).publications) == [1, 2, 3]
    assert offsets(window.page(None, 10, now=160).publications) == [3]
