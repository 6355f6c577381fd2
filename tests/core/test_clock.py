"""Instants in the wire format."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import isoformat


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_176_000, "2026-11-20T12:00:00.000Z"),
        (1_795_176_000.0019, "2026-11-20T12:00:00.001Z"),
        (1_795_176_000.999_4, "2026-11-20T12:00:00.999Z"),
        (1_795_176_000.999_999_9, "2026-11-20T12:00:01.000Z"),  # as floats are read: to the µs
        (951_782_399.5, "2000-02-28T23:59:59.500Z"),
    ],
)
def test_an_instant_is_utc_with_milliseconds(now: float, text: str) -> None:
    assert isoformat(now) == text


@given(st.integers(0, 4_000_000_000_000))
def test_every_millisecond_reads_back(milliseconds: int) -> None:
    text = isoformat(milliseconds / 1000)
    instant = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    assert len(text) == 24
    assert round(instant.timestamp() * 1000) == milliseconds


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_the_order_of_texts_is_the_order_of_instants(one: float, other: float) -> None:
    assert isoformat(min(one, other)) <= isoformat(max(one, other))
