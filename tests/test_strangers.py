"""Who brings no token: strangers, and everybody on a developer's machine."""

from __future__ import annotations

import pytest

from app.auth import DEVELOPMENT_SECRET, make_token
from app.core.channel import Channel
from app.core.errors import HearthError, Unauthorized
from app.core.identity import Identity, parse_grants
from tests.support.authenticators import ALICE, authenticator, token_of
from tests.support.clock import START, SettableClock


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


def test_strangers_are_refused(clock: SettableClock) -> None:
    with pytest.raises(Unauthorized):
        authenticator(clock).identify(None)


def test_strangers_have_the_anonymous_grants(clock: SettableClock) -> None:
    grants = parse_grants(["circles:lobby:r"])
    ours = authenticator(clock, anonymous_grants=grants)
    one, other = ours.identify(None), ours.identify(None)
    assert (one.kind, one.grants, one.expires_at) == ("user", grants, None)
    assert one.id != other.id


def test_a_bad_token_is_no_stranger(clock: SettableClock) -> None:
    ours = authenticator(clock, anonymous_grants=parse_grants(["circles:lobby:r"]))
    for token in ("", "hello", token_of({"exp": START - 60})):
        with pytest.raises(HearthError):
            ours.identify(token)


@pytest.mark.parametrize(
    "token",
    [None, "", "hello", token_of({}), make_token(DEVELOPMENT_SECRET, Identity("a", "user", (), 1))],
    ids=["none", "empty", "no token", "of another secret", "expired"],
)
def test_in_development_everybody_may_do_everything(
    clock: SettableClock, token: str | None
) -> None:
    developer = authenticator(clock, auth_secret=None, auth_mode="none").identify(token)
    assert (developer.id, developer.kind, developer.expires_at) == ("developer", "user", None)
    assert developer.granted(Channel("/circles", "a"), "r")
    assert developer.granted(Channel("/feeds", "codeworm:logs"), "w")


def test_in_development_a_token_makes_somebody_in_particular(clock: SettableClock) -> None:
    ours = authenticator(clock, auth_secret=None, auth_mode="none")
    assert ours.identify(make_token(DEVELOPMENT_SECRET, ALICE)) == ALICE


def test_the_development_secret_is_good_in_development_only(clock: SettableClock) -> None:
    with pytest.raises(Unauthorized):
        authenticator(clock).identify(make_token(DEVELOPMENT_SECRET, ALICE))
