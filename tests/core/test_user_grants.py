"""User grants: `{sub}` is a token's, as one part of a channel's name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.channel import Channel
from app.core.user_grants import UserGrant

SUBS = st.text("ab/:%2F.|", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("text", "sub", "granted"),
    [
        ("chat:*/{sub}/*:rw", "ann", "chat:*/ann/*:rw"),
        ("chat:{sub}/a/b:r", "ann", "chat:ann/a/b:r"),
        ("circles:{sub}:r", "ann+x@example.com", "circles:ann+x@example.com:r"),
        ("notifications:user:{sub}:r", "auth0|5f7c", "notifications:user:auth0|5f7c:r"),
        ("chat:*/{sub}/*:rw", "a/b:c%d", "chat:*/a%2Fb%3Ac%25d/*:rw"),
        ("chat:{sub}/{sub}/*:rw", "ann", "chat:ann/ann/*:rw"),
        ("/circles:lobby:r", "ann", "circles:lobby:r"),
    ],
)
def test_the_sub_stands_in_its_place(text: str, sub: str, granted: str) -> None:
    assert str(UserGrant.parse(text).of(sub)) == granted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "circles:a",
        "circles:team-{sub}:r",
        "circles:{sub}*:r",
        "circles:{sub}{sub}:r",
        "circles:{name}:r",
        "circles:{sub:r",
        "{sub}:a:r",
        "circles:a:{sub}",
    ],
)
def test_what_is_not_of_the_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="sub"):
        UserGrant.parse(text)


@given(one=SUBS, other=SUBS)
def test_nobody_has_what_is_anothers(one: str, other: str) -> None:
    chat = UserGrant.parse("chat:*/{sub}/*:rw")
    theirs = chat.of(other).channel.replace("*", "x")
    assert chat.of(one).covers(Channel("/chat", theirs), "r") is (one == other)


@pytest.mark.parametrize(("text", "personal"), [("chat:*/{sub}/*:r", True), ("chat:*:r", False)])
def test_which_are_personal(text: str, personal: bool) -> None:
    assert UserGrant.parse(text).is_personal is personal
