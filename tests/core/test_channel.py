"""Channels, their names, and session ids beside them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.channel import (
    BROADCAST_CHANNEL,
    MAX_ID,
    MAX_NAME,
    SID_MARK,
    Channel,
    id_problem,
    is_sid,
    name_problem,
    user_channel,
)


def test_the_channel_of_a_user() -> None:
    assert user_channel("alice") == Channel("/notifications", "user:alice")


def test_the_channel_of_everybody() -> None:
    assert Channel("/notifications", "broadcast") == BROADCAST_CHANNEL


def test_a_channel_reads_as_namespace_and_name() -> None:
    assert str(Channel("/feeds", "codeworm:logs")) == "/feeds:codeworm:logs"


def test_the_same_name_in_two_namespaces_is_two_channels() -> None:
    assert Channel("/circles", "a") != Channel("/feeds", "a")


@pytest.mark.parametrize(
    "name",
    [
        "dev-team",
        "Dev Team",
        "équipe",
        "開発\u3000チーム",  # an ideographic space
        "команда",
        "هندسة",
        "🚀",
        "flow/app/chat",
        "codeworm:logs",
        "user:auth0|5f7c",
        "user:ann+x@example.com",
        "it's 100% [here] (now)?!#$&,;=^`",
        "a..b/.c/d.",
        "a//b",
        "x" * MAX_NAME,
        "🚀" * MAX_NAME,
    ],
)
def test_a_name_is_in_any_script(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "empty"),
        ("x" * (MAX_NAME + 1), "at most 1,024 characters; has 1,025"),
        *((f"a{character}b", f"U+{ord(character):04X}") for character in '*~"\\<>{}'),
        ("a\nb", "U+000A, which is a control"),
        ("a\x00", "U+0000, which is a control"),
        ("a\x7f", "U+007F, which is a control"),
        ("a\x85b", "U+0085, which is a control"),
        ("a\u200bb", "U+200B, which is a format character"),
        ("a\u202eb", "U+202E, which is a format character"),
        ("\ufeffa", "U+FEFF, which is a format character"),
        ("a\u2028b", "U+2028, which is a line separator"),
        ("a\u2029b", "U+2029, which is a line separator"),
        ("a\ud800", "U+D800, which is a surrogate"),
        ("a\ue000", "U+E000, which is for private use"),
        ("a\U0010ffff", "U+10FFFF, which is unassigned"),
        ("a\u0378", "U+0378, which is unassigned"),
        ("a\u3000\u200b", "U+200B"),
        (" a", "U+0020"),
        ("a ", "U+0020"),
        ("a\u3000", "U+3000"),
        ("\u00a0a", "U+00A0"),
        ("e\u0301quipe", "U+0065 isn't"),
        ("a\u0323\u0302\u0323", "NFC"),
        ("\u212b", "U+212B isn't"),
        (".", "U+002E"),
        ("..", "U+002E"),
        ("a/./b", "U+002E"),
        ("../a", "U+002E"),
        ("a/..", "U+002E"),
    ],
)
def test_what_is_no_name_says_which_character(name: str, problem: str) -> None:
    text = name_problem(name)
    assert text is not None
    assert problem in text
    assert text.isascii()
    assert text.isprintable()


@given(st.text(st.characters(exclude_categories=()), max_size=20))
def test_a_name_is_what_the_rule_says(name: str) -> None:
    categories = {unicodedata.category(character) for character in name}
    fits = (
        name != ""
        and categories.isdisjoint({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
        and not set(name) & set('*~"\\<>{}')
        and name == name.strip()
        and name == unicodedata.normalize("NFC", name)
        and not {".", ".."} & set(name.split("/"))
    )
    assert (name_problem(name) is None) == fits
    if fits:
        assert len(f"log {name} line".splitlines()) == 1


def test_an_id_is_a_shorter_name() -> None:
    assert id_problem("x" * MAX_ID) is None
    assert id_problem("x" * (MAX_ID + 1)) == "Must have at most 255 characters; has 256."
    assert id_problem("a\n") == name_problem("a\n")


@given(st.text(min_size=1).filter(lambda name: name_problem(name) is None))
def test_no_name_of_a_channel_is_taken_for_a_session(name: str) -> None:
    assert not is_sid(name)
    assert is_sid(name + SID_MARK)


def test_what_is_not_text_is_no_session() -> None:
    assert not is_sid(None)
    assert not is_sid(["x~"])
