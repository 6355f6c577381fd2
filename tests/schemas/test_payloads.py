"""Each type takes its documented payload, and nothing else (docs/protocol.md)."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import standard_registry
from schemas.errors import SchemaError
from tests.support.documented import OUTPUT, TYPES, Documented
from tests.support.properties import json_like

REGISTRY = standard_registry()
KEYS = {key for row in TYPES for key in row.keys} | {"id", "kind"}
OUTCOMES = ["tool_result", "tool_output"]

each_type = pytest.mark.parametrize("row", TYPES, ids=str)


def check(row: Documented, data: Any) -> dict[str, Any]:
    return REGISTRY.require(row.namespace, row.name).load(data)


def rejected(row: Documented, data: Any) -> dict[str, str]:
    """Return which fields are wrong with `data`."""
    with pytest.raises(SchemaError) as caught:
        check(row, data)
    return caught.value.fields


def problem(row: Documented, data: Any) -> dict[str, str] | None:
    """Return which fields are wrong with `data`, or None when it is a payload."""
    try:
        check(row, data)
    except SchemaError as error:
        return error.fields
    return None


def values(which: str) -> list[Any]:
    return [
        pytest.param(row, key, value, id=f"{row}-{key}-{number}")
        for row in TYPES
        for key, kind in row.keys.items()
        for number, value in enumerate(getattr(kind, which))
    ]


@each_type
def test_the_least_payload_is_taken(row: Documented) -> None:
    check(row, row.minimal)


@each_type
def test_a_payload_with_all_keys_is_taken(row: Documented) -> None:
    check(row, {key: kind.good[-1] for key, kind in row.keys.items()})


@pytest.mark.parametrize(("row", "key", "value"), values("good"))
def test_a_value_of_the_right_kind_is_taken(row: Documented, key: str, value: Any) -> None:
    check(row, row.minimal | {key: value})


@pytest.mark.parametrize(("row", "key", "value"), values("bad"))
def test_a_value_of_another_kind_is_named(row: Documented, key: str, value: Any) -> None:
    if value is None and key in row.optional:
        assert check(row, row.minimal | {key: None, "further": None}) == (
            row.minimal | {"further": None}
        )
        return
    assert list(rejected(row, row.minimal | {key: value})) == [f"data.{key}"]


@pytest.mark.parametrize(
    ("row", "key"),
    [pytest.param(row, key, id=f"{row}-{key}") for row in TYPES for key in row.required],
)
def test_a_missing_key_is_named(row: Documented, key: str) -> None:
    data = row.minimal
    del data[key]
    assert list(rejected(row, data)) == [f"data.{key}"]


@each_type
def test_all_that_is_missing_is_named_at_once(row: Documented) -> None:
    required = {f"data.{key}" for key, kind in row.required.items() if kind is not OUTPUT}
    if required:
        assert set(rejected(row, {})) == required


@each_type
def test_further_keys_are_taken_and_left_alone(row: Documented) -> None:
    data = row.minimal | {"further": {"a": [1, None, 0.5]}, "a.b": 1, "_schema": 2, "": 3}
    before = copy.deepcopy(data)
    check(row, data)
    assert data == before


@each_type
@pytest.mark.parametrize("data", [None, [], [{}], "{}", 5, True, b"{}"], ids=repr)
def test_what_is_no_object_is_no_payload(row: Documented, data: Any) -> None:
    assert list(rejected(row, data)) == ["data"]


@pytest.mark.parametrize("row", [row for row in TYPES if row.name in OUTCOMES], ids=str)
def test_a_result_has_an_output_or_an_error(row: Documented) -> None:
    check(row, {"call_id": 1, "error": "It broke."})
    check(row, {"call_id": 1, "output": None})  # a tool may return null
    check(row, {"call_id": 1, "output": 1, "error": "And yet it broke."})
    assert check(row, {"call_id": 1, "output": None, "error": None}) == {
        "call_id": 1,
        "output": None,
    }
    assert list(rejected(row, {"call_id": 1})) == ["data.output"]
    assert list(rejected(row, {"call_id": 1, "error": None})) == ["data.output"]


def test_what_is_read_is_some_or_all() -> None:
    (row,) = (row for row in TYPES if row.name == "notification_read")
    check(row, {"ids": [1, "a"]})
    check(row, {"all": True})
    assert check(row, {"all": True, "ids": None}) == {"all": True}
    assert list(rejected(row, {"all": False})) == ["data.all"]


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ([{"id": "alice"}], "data.members.0.kind"),
        ([{"kind": "user"}], "data.members.0.id"),
        ([{"id": "alice", "kind": "user"}, {"id": 7, "kind": "user"}], "data.members.1.id"),
        ([{"id": "alice", "kind": "root"}], "data.members.0.kind"),
        ([{"id": "alice", "kind": ["user"]}], "data.members.0.kind"),
        ([{"id": "alice", "kind": "user", "name": "Alice"}], "data.members.0.name"),
        ([None], "data.members.0"),
        (["alice"], "data.members.0"),
    ],
)
def test_what_is_wrong_inside_a_list_is_named_by_its_place(members: Any, path: str) -> None:
    row = next(row for row in TYPES if row.name == "circle_status")
    assert list(rejected(row, {"online": 1, "members": members})) == [path]


@pytest.mark.parametrize("paths", [[5], ["a", None], ["a", ""], ["x" * 4097]], ids=str)
def test_changed_holds_paths(paths: list[Any]) -> None:
    row = next(row for row in TYPES if row.name == "git_status")
    place = f"data.changed.{len(paths) - 1}"
    assert list(rejected(row, {"branch": "main", "changed": paths})) == [place]


@given(st.sampled_from(TYPES), json_like(*KEYS))
def test_any_value_is_a_payload_or_a_schema_error(row: Documented, value: Any) -> None:
    """And what is a payload travels as JSON and arrives as it was."""
    fields = problem(row, value)
    if fields is None:
        assert orjson.loads(orjson.dumps(value)) == value
    else:
        assert fields
        assert orjson.loads(orjson.dumps(fields)) == fields  # a client is told of them


@given(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(sorted(KEYS)), json_like()))
def test_any_further_keys_too(row: Documented, further: dict[str, Any]) -> None:
    """As above, but most of these are payloads."""
    value = further | row.minimal
    fields = problem(row, value)
    if fields is None:
        assert orjson.loads(orjson.dumps(value)) == value
    else:
        assert {path.partition(".")[0] for path in fields} == {"data"}
