"""Numbers of messages rise from one epoch to the next, and stay exact in JavaScript."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.epoch import first_number, name_epoch

NOW = 1_795_000_000.0


@given(st.floats(NOW, NOW + 30 * 365 * 86_400), st.floats(0.001, 10 * 365 * 86_400), st.integers(1))
def test_a_later_epoch_has_higher_numbers(born: float, age: float, offset: int) -> None:
    most = int(age * 1000) * 4096
    older, newer = (first_number(name_epoch(at, "p1")) for at in (born, born + age))
    assert older + min(offset, most - 1) < newer or most == 0
    assert newer + 4096 < 1 << 53


def test_an_epoch_that_does_not_tell_is_the_lowest() -> None:
    assert first_number("8f2c11d0a3b4") == 0
    assert first_number("") == 0
    assert first_number(name_epoch(0, "p1")) == 0  # a clock that was never set
    assert first_number("f" * 12 + "-1") + 4095 < 1 << 53
