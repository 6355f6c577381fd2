"""Grants and identities."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.channel import Channel
from app.core.identity import Grant, Identity, parse_grants

PATTERNS = st.text("ab:/.*", min_size=1, max_size=6).filter(lambda text: text.count("*") <= 3)
NAMES = st.text("ab:/.", min_size=1, max_size=8)


def matches(pattern: str, text: str) -> bool:
    """Say slowly but surely whether `*` in a pattern can stand for runs of a text."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(matches(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] == text[0] and matches(pattern[1:], text[1:])


@pytest.mark.parametrize(
    ("text", "namespace", "channel", "mode"),
    [
        ("circles:dev-*:rw", "circles", "dev-*", "rw"),
        ("*:*:r", "*", "*", "r"),
        ("feeds:codeworm:logs:w", "feeds", "codeworm:logs", "w"),
        ("feeds:a::b:r", "feeds", "a::b", "r"),
        ("/chat:flow/app/1:r", "chat", "flow/app/1", "r"),
        ("circles:Dev Team:rw", "circles", "Dev Team", "rw"),
        ("circles:* Team *:r", "circles", "* Team *", "r"),
        ("circles:équipe:r", "circles", "équipe", "r"),
        ("notifications:user:auth0|5f7c:w", "notifications", "user:auth0|5f7c", "w"),
        ("notifications:user:it's (a+b)?:w", "notifications", "user:it's (a+b)?", "w"),
    ],
)
def test_the_first_colon_ends_the_namespace_and_the_last_begins_the_mode(
    text: str, namespace: str, channel: str, mode: str
) -> None:
    grant = Grant.parse(text)
    assert (grant.namespace, grant.channel, grant.mode) == (namespace, channel, mode)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "::",
        "circles",
        "circles:r",
        "circles::r",
        ":a:r",
        "circles:a",
        "circles:a:",
        "circles:a:x",
        "circles:a:wr",
        "circles:a:R",
        "circles:a:r ",
        " circles:a:r",
        "circles: a:r",
        "circles:a :r",
        "circles:a\n:r",
        "circles\n:a:r",
        "circles:a:r\n",
        "circles:a\u0308:r",
        "circles:a~:r",
        f"circles:{'a' * 1025}:r",
        f"{'a' * 256}:a:r",
        "circles:\ud800:r",
    ],
)
def test_what_is_not_of_the_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not of the form"):
        Grant.parse(text)


@pytest.mark.parametrize(
    ("text", "channel", "granted"),
    [
        ("circles:dev-*:r", Channel("/circles", "dev-team"), True),
        ("circles:dev-*:r", Channel("/circles", "dev-"), True),
        ("circles:dev-*:r", Channel("/circles", "my-dev-team"), False),
        ("circles:dev-*:r", Channel("/feeds", "dev-team"), False),
        ("circles:dev:r", Channel("/circles", "dev-team"), False),
        ("circles:a.b:r", Channel("/circles", "axb"), False),
        ("*:*:r", Channel("/feeds", "codeworm:logs"), True),
        ("f*:*:logs:r", Channel("/feeds", "codeworm:logs"), True),
        ("f*:*:logs:r", Channel("/feeds", "logs"), False),
        ("c*s:x:r", Channel("/circles", "x"), True),
        ("circles:Dev:r", Channel("/circles", "dev"), False),
        ("circles:Dev *:r", Channel("/circles", "Dev Team"), True),
        ("circles:é*:r", Channel("/circles", "équipe"), True),
        ("circles:a|b:r", Channel("/circles", "a"), False),
        ("circles:a|b:r", Channel("/circles", "a|b"), True),
        ("circles:[a]:r", Channel("/circles", "a"), False),
    ],
)
def test_which_channels_a_grant_covers(text: str, channel: Channel, granted: bool) -> None:
    assert Grant.parse(text).covers(channel, "r") is granted


@given(namespace=PATTERNS, pattern=PATTERNS, other=NAMES, name=NAMES)
def test_stars_match_as_the_naive_reference_does(
    namespace: str, pattern: str, other: str, name: str
) -> None:
    grant = Grant(namespace, pattern, "r")
    expected = matches(f"/{namespace}", f"/{other}") and matches(pattern, name)
    assert grant.covers(Channel(f"/{other}", name), "r") is expected


@given(namespace=NAMES, name=NAMES, at=st.integers(0, 8), star=st.integers(0, 8))
def test_a_star_never_reaches_across_namespace_and_channel(
    namespace: str, name: str, at: int, star: int
) -> None:
    """The same characters, cut elsewhere, are another channel."""
    whole = namespace + name
    cut = 1 + at % (len(whole) - 1)
    starred = namespace[: star % len(namespace)] + "*"
    grant = Grant(starred, name, "r")
    elsewhere = Channel(f"/{whole[:cut]}", whole[cut:])
    assert grant.covers(elsewhere, "r") is (elsewhere.name == name)


@pytest.mark.parametrize(
    ("mode", "reads", "writes"), [("r", True, False), ("w", False, True), ("rw", True, True)]
)
def test_modes(mode: str, reads: bool, writes: bool) -> None:
    grant, channel = Grant.parse(f"circles:a:{mode}"), Channel("/circles", "a")
    assert grant.covers(channel, "r") is reads
    assert grant.covers(channel, "w") is writes


@pytest.mark.parametrize("text", ["circles:dev-*:rw", "feeds:codeworm:logs:r", "*:*:w"])
def test_a_grant_is_written_as_it_is_read(text: str) -> None:
    assert str(Grant.parse(text)) == text
    assert Grant.parse(text) == Grant.parse(text)


def test_one_bad_grant_spoils_the_list() -> None:
    assert [str(grant) for grant in parse_grants(["a:b:r", "c:d:w"])] == ["a:b:r", "c:d:w"]
    with pytest.raises(ValueError, match="c:d"):
        parse_grants(["a:b:r", "c:d"])


def test_any_of_the_grants_suffices() -> None:
    identity = Identity("alice", "user", parse_grants(["circles:a:r", "circles:b:w"]))
    assert identity.granted(Channel("/circles", "a"), "r")
    assert identity.granted(Channel("/circles", "b"), "w")
    assert not identity.granted(Channel("/circles", "a"), "w")
    assert not identity.granted(Channel("/circles", "c"), "r")


def test_no_grants_grant_nothing() -> None:
    assert not Identity("alice", "user").granted(Channel("/circles", "a"), "r")


def test_the_same_id_of_two_kinds_is_two_identities() -> None:
    assert Identity("7", "user").key != Identity("7", "agent").key
    assert Identity("7", "user", parse_grants(["*:*:r"])).key == Identity("7", "user").key


def test_an_identity_shows_id_and_kind_only() -> None:
    identity = Identity("ci", "service", parse_grants(["*:*:rw"]), expires_at=5.0)
    assert identity.to_dict() == {"id": "ci", "kind": "service"}
