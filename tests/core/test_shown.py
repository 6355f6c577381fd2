"""What is shown of what somebody sent is short, printable, and else as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.shown import shown


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("dev-team", "dev-team"),
        ("équipe 開発", "équipe 開発"),
        ("x" * 200, "x" * 200),
        ("x" * 1_000_000, "x" * 200 + "…"),
        ("開" * 100, "開" * 66 + "…"),
        ("a\x1b[31m\r\nb", "a\ufffd[31m\ufffd\ufffdb"),
        ("\ud800\u202e", "\ufffd\ufffd"),
    ],
)
def test_what_is_shown(text: str, short: str) -> None:
    assert shown(text) == short


@given(st.text(st.characters(exclude_categories=())), st.integers(0, 50))
def test_it_is_always_short_and_printable(text: str, most_bytes: int) -> None:
    short = shown(text, most_bytes)
    assert len(short.encode()) <= most_bytes + len("…".encode())
    assert short.isprintable()
    if text.isprintable() and len(text.encode()) <= most_bytes:
        assert short == text
