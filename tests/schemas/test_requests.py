"""Requests of clients: unknown keys are errors."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import SchemaError
from schemas.requests import (
    AUTHENTICATE,
    DEFAULT_PAGE,
    HISTORY,
    JOIN,
    LEAVE,
    MAX_PAGE,
    PRESENCE,
    PUBLISH,
    Loader,
)
from tests.support.properties import json_like, nested_lists

LONG = "x" * 1_000_000
MINIMAL: dict[Loader, dict[str, Any]] = {
    JOIN: {"channel": "dev-team"},
    LEAVE: {"channel": "dev-team"},
    HISTORY: {"channel": "dev-team"},
    PRESENCE: {"channel": "dev-team"},
    PUBLISH: {"channel": "dev-team", "data": {}},
    AUTHENTICATE: {"token": "e30.e30.e30"},
}
OPTIONAL: list[tuple[Loader, str, Any]] = [
    (JOIN, "since", {"offset": 0, "epoch": "e1"}),
    (JOIN, "since", {"offset": 2**53, "epoch": "e1"}),
    (JOIN, "history", 0),
    (JOIN, "history", MAX_PAGE),
    (HISTORY, "before", 1),
    (HISTORY, "limit", 1),
    (HISTORY, "limit", MAX_PAGE),
    (PUBLISH, "action", "created"),
    (PUBLISH, "nonce", "c1f0"),
    (PUBLISH, "nonce", "x" * 128),
]
NO_TEXT = [5, 5.0, True, [], ["a"], {}, {"a": 1}]
NO_INTEGER = ["5", 5.0, True, False, math.nan, math.inf, 2**64, [5], {"a": 5}, nested_lists(10_000)]
NO_NAME = ["", "a b ", "dev-team\n", "\n", "a\nb", "a\u0308", "a~", "\ud800", LONG, None, *NO_TEXT]

each_request = pytest.mark.parametrize(
    "schema", MINIMAL, ids=lambda loader: type(loader.schema).__name__
)


def rejected(schema: Loader, value: Any) -> dict[str, str]:
    """Return which fields are wrong with `value`."""
    with pytest.raises(SchemaError) as caught:
        schema.load(value)
    return caught.value.fields


def problem(schema: Loader, value: Any) -> dict[str, str] | None:
    """Return which fields are wrong with `value`, or None when it is a request."""
    try:
        schema.load(value)
    except SchemaError as error:
        return error.fields
    return None


def wrong(schema: Loader, key: str, *values: Any) -> list[Any]:
    name = type(schema).__name__
    return [
        pytest.param(schema, key, value, id=f"{name}-{key}-{number}")
        for number, value in enumerate(values)
    ]


@each_request
def test_the_least_request_is_taken(schema: Loader) -> None:
    loaded = schema.load(MINIMAL[schema])
    assert loaded.items() >= MINIMAL[schema].items()


@pytest.mark.parametrize(("schema", "key", "value"), OPTIONAL)
def test_optional_keys_are_taken_as_they_are(schema: Loader, key: str, value: Any) -> None:
    assert schema.load(MINIMAL[schema] | {key: value})[key] == value


@pytest.mark.parametrize(
    ("schema", "key"),
    [
        *((JOIN, "since"), (JOIN, "history"), (HISTORY, "before"), (HISTORY, "limit")),
        *((PUBLISH, "action"), (PUBLISH, "nonce")),
    ],
)
def test_a_null_in_an_optional_key_is_a_key_left_out(schema: Loader, key: str) -> None:
    assert schema.load(MINIMAL[schema] | {key: None}) == schema.load(MINIMAL[schema])


@each_request
def test_missing_keys_are_named(schema: Loader) -> None:
    assert set(rejected(schema, {})) == set(MINIMAL[schema])


@each_request
@pytest.mark.parametrize("key", ["further", "type", "sender", "timestamp", "offset"])
def test_unknown_keys_are_errors(schema: Loader, key: str) -> None:
    assert list(rejected(schema, MINIMAL[schema] | {key: 1})) == [key]


@each_request
@pytest.mark.parametrize("value", [None, [], "a", 5, True, math.nan, ["channel"]], ids=repr)
def test_what_is_no_object_is_no_request(schema: Loader, value: Any) -> None:
    assert list(rejected(schema, value)) == [""]


@pytest.mark.parametrize(
    ("schema", "key", "value"),
    [
        *(case for schema in (JOIN, LEAVE, PUBLISH) for case in wrong(schema, "channel", *NO_NAME)),
        *wrong(HISTORY, "channel", *NO_NAME),
        *wrong(PRESENCE, "channel", *NO_NAME),
        *wrong(JOIN, "history", -1, MAX_PAGE + 1, *NO_INTEGER),
        *wrong(JOIN, "since", 5, "e1:5", [], True, [5, "e1"]),
        *wrong(HISTORY, "before", 0, -1, *NO_INTEGER),
        *wrong(HISTORY, "limit", 0, -1, MAX_PAGE + 1, *NO_INTEGER),
        *wrong(PUBLISH, "data", None, [], "a", 5, nested_lists(10_000)),
        *wrong(PUBLISH, "nonce", "", "x" * 129, LONG, "\ud800", *NO_TEXT),
        *wrong(PUBLISH, "action", "", "x" * 65, LONG, "\ud800", *NO_TEXT),
        *wrong(AUTHENTICATE, "token", "", LONG, "\ud800", None, *NO_TEXT),
    ],
)
def test_a_wrong_value_is_named(schema: Loader, key: str, value: Any) -> None:
    assert list(rejected(schema, MINIMAL[schema] | {key: value})) == [key]


@pytest.mark.parametrize(
    ("since", "path"),
    [
        ({"offset": 1}, "since.epoch"),
        ({"epoch": "e1"}, "since.offset"),
        ({"offset": -1, "epoch": "e1"}, "since.offset"),
        ({"offset": "1", "epoch": "e1"}, "since.offset"),
        ({"offset": True, "epoch": "e1"}, "since.offset"),
        ({"offset": 1.0, "epoch": "e1"}, "since.offset"),
        ({"offset": 2**53 + 1, "epoch": "e1"}, "since.offset"),
        ({"offset": 1, "epoch": 5}, "since.epoch"),
        ({"offset": 1, "epoch": ""}, "since.epoch"),
        ({"offset": 1, "epoch": LONG}, "since.epoch"),
        ({"offset": 1, "epoch": "e1", "further": 1}, "since.further"),
    ],
)
def test_what_is_wrong_with_since_is_named(since: Any, path: str) -> None:
    assert list(rejected(JOIN, {"channel": "dev-team", "since": since})) == [path]


def test_a_page_has_a_size_of_its_own_accord() -> None:
    assert HISTORY.load({"channel": "dev-team"})["limit"] == DEFAULT_PAGE


@given(st.sampled_from(list(MINIMAL)), json_like("channel", "data", "since", "limit", "token"))
def test_any_value_is_a_request_or_a_schema_error(schema: Loader, value: Any) -> None:
    assert problem(schema, value) != {}


@given(
    st.sampled_from(list(MINIMAL)),
    st.sampled_from(["channel", "data", "since", "history", "before", "limit", "nonce", "token"]),
    json_like("offset", "epoch"),
)
def test_any_value_of_a_key_too(schema: Loader, key: str, value: Any) -> None:
    request = MINIMAL[schema] | {key: value}
    fields = problem(schema, request)
    if fields is None and value is None:
        assert schema.load(request) == schema.load(MINIMAL[schema])
    elif fields is None:
        assert schema.load(request)[key] == value
    else:
        assert {path.partition(".")[0] for path in fields} == {key}
