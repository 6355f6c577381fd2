"""The envelope, as clients and workers write it and members receive it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import ENVELOPE, is_envelope, notice, read_worker_envelope
from schemas.errors import SchemaError
from tests.support.properties import json_like, nested_lists

LONG = "x" * 1_000_000
MINIMAL: dict[str, Any] = {"type": "agent_message", "data": {"content": "Hello"}}
WHOLE: dict[str, Any] = MINIMAL | {
    "channel": "dev-team",
    "timestamp": "2026-11-20T12:00:00.000Z",
    "offset": 42,
    "action": "created",
    "sender": {"id": "agent-7", "kind": "agent"},
    "nonce": "c1f0",
}
WRONG: dict[str, list[Any]] = {
    "type": ["", 5, None, True, [], LONG, "\ud800"],
    "channel": ["", "a b ", "dev-team\n", LONG, 5, "\ud800"],
    "data": [None, [], "a", 5, nested_lists(10_000)],  # what is in it, its type checks
    "timestamp": [
        "2026-11-20T12:00:00",
        "2026-11-20",
        "12:00",
        "now",
        "",
        "2026-02-30T00:00:00Z",
        "2026-11-20T12:00:00Z\n",
        1_795_176_000,
        1.5,
        True,
        [],
        {},
        "\ud800",
        LONG,
    ],
    "offset": [0, -1, "5", 5.0, True, 2**64, math.nan, math.inf],
    "action": ["", 5, LONG, "\ud800"],
    "sender": ["alice", [], 5],
    "nonce": ["", 5, True, LONG, "\ud800"],
}


def rejected(value: Any) -> dict[str, str]:
    """Return which fields are wrong with `value`."""
    with pytest.raises(SchemaError) as caught:
        ENVELOPE.load(value)
    return caught.value.fields


def test_a_whole_envelope_is_taken() -> None:
    loaded = ENVELOPE.load(WHOLE)
    assert loaded.pop("timestamp").isoformat() == "2026-11-20T12:00:00+00:00"
    assert loaded == {key: value for key, value in WHOLE.items() if key != "timestamp"}


def test_a_publisher_may_write_as_much_as_it_knows() -> None:
    assert ENVELOPE.load(MINIMAL) == MINIMAL


def test_a_null_in_an_optional_key_is_a_key_left_out() -> None:
    nulls = dict.fromkeys(("channel", "timestamp", "offset", "action", "sender", "nonce"))
    assert ENVELOPE.load(MINIMAL | nulls) == MINIMAL
    assert read_worker_envelope(MINIMAL | nulls) == {"data": MINIMAL["data"]}


USED = {"data": WHOLE["data"], "action": "created", "sender": WHOLE["sender"], "nonce": "c1f0"}


@pytest.mark.parametrize(
    "further",
    [
        {"timestamp": "2026-11-20T12:00:00"},
        {"timestamp": 1_795_176_000_000},
        {"timestamp": {"at": "noon"}},
        {"offset": "42"},
        {"offset": -1},
    ],
    ids=repr,
)
def test_what_the_server_sets_is_not_judged(further: dict[str, Any]) -> None:
    assert read_worker_envelope(WHOLE | further) == USED


def test_a_workers_further_keys_are_kept_in_its_data() -> None:
    further = {"room": "hall", "content": "not this", "priority": None}
    read = read_worker_envelope(WHOLE | further)
    assert read == USED | {"data": {"content": "Hello", "room": "hall", "priority": None}}


@pytest.mark.parametrize(
    "sender",
    [
        {"id": "agent-7", "kind": "agent", "name": "Seven", "avatar": None},
        {"kind": "agent", "id": "agent-7"},
    ],
)
def test_what_a_worker_knows_further_of_a_sender_is_left_out(sender: dict[str, Any]) -> None:
    assert read_worker_envelope(MINIMAL | {"sender": sender})["sender"] == WHOLE["sender"]


def test_a_workers_sender_may_have_a_number() -> None:
    sender = {"id": 7, "kind": "agent"}
    assert read_worker_envelope(MINIMAL | {"sender": sender})["sender"] == sender | {"id": "7"}


@pytest.mark.parametrize(
    ("key", "value"),
    [(key, value) for key in ("action", "sender", "nonce") for value in WRONG[key]],
    ids=lambda one: repr(one)[:20],
)
def test_what_is_used_of_a_worker_is_judged(key: str, value: Any) -> None:
    with pytest.raises(SchemaError) as caught:
        read_worker_envelope(MINIMAL | {key: value})
    assert list(caught.value.fields) == [key]


@pytest.mark.parametrize("key", ["type", "data"])
def test_type_and_data_are_required(key: str) -> None:
    assert list(rejected({name: WHOLE[name] for name in WHOLE if name != key})) == [key]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(key, value, id=f"{key}-{number}")
        for key, values in WRONG.items()
        for number, value in enumerate(values)
    ],
)
def test_a_wrong_value_is_named(key: str, value: Any) -> None:
    assert list(rejected(WHOLE | {key: value})) == [key]


@pytest.mark.parametrize("key", ["further", "namespace", "room", "Type"])
def test_unknown_keys_are_errors(key: str) -> None:
    assert list(rejected(MINIMAL | {key: 1})) == [key]


@pytest.mark.parametrize(
    ("sender", "path"),
    [
        ({"id": "alice"}, "sender.kind"),
        ({"kind": "user"}, "sender.id"),
        ({"id": "alice", "kind": "root"}, "sender.kind"),
        ({"id": 7, "kind": "user"}, "sender.id"),
        ({"id": "alice", "kind": "user", "name": "Alice"}, "sender.name"),
    ],
)
def test_what_is_wrong_with_the_sender_is_named(sender: Any, path: str) -> None:
    assert list(rejected(MINIMAL | {"sender": sender})) == [path]


def problem(value: Any) -> dict[str, str] | None:
    """Return which fields are wrong with `value`, or None when it is an envelope."""
    try:
        ENVELOPE.load(value)
    except SchemaError as error:
        return error.fields
    return None


@given(json_like(*WHOLE))
def test_any_value_is_an_envelope_or_a_schema_error(value: Any) -> None:
    assert problem(value) != {}


@given(st.sampled_from(sorted(WHOLE)), json_like("id", "kind"))
def test_any_value_of_a_key_too(key: str, value: Any) -> None:
    fields = problem(WHOLE | {key: value})
    assert fields is None or {path.partition(".")[0] for path in fields} == {key}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (MINIMAL, True),
        (WHOLE, True),
        ({"content": "Hello"}, False),
        ({"data": {}}, False),
        ({"type": "agent_message"}, False),
        ({"type": "user_message", "data": {}}, False),
        ({"type": ["agent_message"], "data": {}}, False),
        ([], False),
        (None, False),
        ("agent_message", False),
    ],
)
def test_telling_an_envelope_from_a_bare_payload(value: Any, told: bool) -> None:
    assert is_envelope("agent_message", value) is told


def test_a_notice_has_no_offset() -> None:
    assert notice("pong", {"a": 1}, "2026-11-20T12:00:00.000Z") == {
        "type": "pong",
        "channel": None,
        "data": {"a": 1},
        "timestamp": "2026-11-20T12:00:00.000Z",
    }
