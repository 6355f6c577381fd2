"""Channels, their names, and session ids beside them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.channel import BROADCAST_CHANNEL, SID_MARK, Channel, is_sid, user_channel
from schemas.fields import CHANNEL_NAME


def test_the_channel_of_a_user() -> None:
    assert user_channel("alice") == Channel("/notifications", "user:alice")


def test_the_channel_of_everybody() -> None:
    assert Channel("/notifications", "broadcast") == BROADCAST_CHANNEL


def test_a_channel_reads_as_namespace_and_name() -> None:
    assert str(Channel("/feeds", "codeworm:logs")) == "/feeds:codeworm:logs"


def test_the_same_name_in_two_namespaces_is_two_channels() -> None:
    assert Channel("/circles", "a") != Channel("/feeds", "a")


@given(st.from_regex(CHANNEL_NAME, fullmatch=True))
def test_no_name_of_a_channel_is_taken_for_a_session(name: str) -> None:
    assert not is_sid(name)
    assert is_sid(name + SID_MARK)


def test_what_is_not_text_is_no_session() -> None:
    assert not is_sid(None)
    assert not is_sid(["x~"])
