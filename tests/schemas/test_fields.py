"""Fields take exactly what they say: nothing is coerced."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError
from marshmallow.fields import Field

from schemas.fields import (
    Boolean,
    ChannelName,
    Integer,
    IntegerOrText,
    JsonObject,
    JsonValue,
    ShortText,
    Text,
)
from tests.support.properties import json_like

FIELDS: dict[str, Field[Any]] = {
    "Text": Text(),
    "ShortText": ShortText(),
    "ChannelName": ChannelName(),
    "Integer": Integer(),
    "Boolean": Boolean(),
    "IntegerOrText": IntegerOrText(),
    "JsonObject": JsonObject(),
    "JsonValue": JsonValue(),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Text", ""),
        ("Text", "x" * 1_000_000),
        ("ShortText", "x" * 1024),
        ("ChannelName", "x" * 128),
        ("Integer", 2**53),
        ("Integer", -(2**53)),
        ("Boolean", False),
        ("IntegerOrText", -7),
        ("IntegerOrText", "7"),
        ("JsonObject", {"a": {"b": [None]}}),
        ("JsonValue", [1, "a", 0.5, False]),
    ],
)
def test_what_is_taken_stays_as_it_is(name: str, value: Any) -> None:
    taken = FIELDS[name].deserialize(value)
    assert taken == value
    assert type(taken) is type(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Text", b"bytes"),
        ("Text", "\ud800"),
        ("ShortText", ""),
        ("ShortText", "x" * 1025),
        ("ChannelName", "dev-team\n"),
        ("ChannelName", "x" * 1025),
        ("Integer", True),
        ("Integer", 5.0),
        ("Integer", "5"),
        ("Integer", 2**53 + 1),
        ("Integer", -(2**53) - 1),
        ("Integer", math.nan),
        ("Boolean", 1),
        ("Boolean", "true"),
        ("IntegerOrText", False),
        ("IntegerOrText", 5.0),
        ("IntegerOrText", 2**53 + 1),
        ("JsonObject", [("a", 1)]),
        ("JsonObject", {"a": math.nan}),
        ("JsonValue", math.inf),
        ("JsonValue", b"bytes"),
    ],
)
def test_what_is_of_another_kind_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        FIELDS[name].deserialize(value)


def test_lengths_are_counted_in_characters() -> None:
    assert ShortText(max_length=3).deserialize("äöü") == "äöü"
    with pytest.raises(ValidationError):
        ShortText(max_length=3).deserialize("äöüß")


@given(st.sampled_from(sorted(FIELDS)), json_like())
def test_any_value_is_kept_as_it_is_or_refused(name: str, value: Any) -> None:
    try:
        taken = FIELDS[name].deserialize(value)
    except ValidationError:
        return
    assert taken is value or taken == value
    assert type(taken) is type(value)
