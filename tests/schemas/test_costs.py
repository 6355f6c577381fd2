"""Refusing a value costs little more than looking at it once, and says little of what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Final

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from schemas.catalogue import standard_registry
from schemas.envelope import ENVELOPE, read_worker_envelope
from schemas.errors import SchemaError
from schemas.payloads import ToolResult
from schemas.registry import MessageType
from schemas.requests import AUTHENTICATE, HISTORY, JOIN, LEAVE, PRESENCE, PUBLISH, Loader
from tests.support.calls import calls
from tests.support.documented import TYPES

Load = Callable[[Any], Any]

REGISTRY: Final = standard_registry()
MANY: Final = 5_000
#: Calls for each value that is looked at: of checks of items, say.
A_PASS: Final = 8
#: Calls whatever the value: of marshmallow, to say what is wrong.
ONCE: Final = 5_000
LARGEST_ERROR: Final = 2_000

REQUESTS: Final[dict[str, tuple[Load, dict[str, Any]]]] = {
    "join": (JOIN.load, {"channel": "dev-team"}),
    "leave": (LEAVE.load, {"channel": "dev-team"}),
    "history": (HISTORY.load, {"channel": "dev-team"}),
    "presence": (PRESENCE.load, {"channel": "dev-team"}),
    "publish": (PUBLISH.load, {"channel": "dev-team", "data": {}}),
    "authenticate": (AUTHENTICATE.load, {"token": "e30.e30.e30"}),
    "envelope": (ENVELOPE.load, {"type": "log", "data": {}}),
    "worker's envelope": (read_worker_envelope, {"type": "log", "data": {}}),
}
LOADS: Final[dict[str, tuple[Load, dict[str, Any]]]] = REQUESTS | {
    str(row): (REGISTRY.require(row.namespace, row.name).load, row.minimal) for row in TYPES
}


def bytes_of_error(load: Load, value: Any) -> int:
    """Return the size of the error that a client gets for a value; 0 where there is none."""
    try:
        load(value)
    except SchemaError as error:
        return len(orjson.dumps(Invalid(fields=error.fields).to_dict()))
    return 0


def keys(count: int) -> dict[str, Any]:
    return {f"key {number}": number for number in range(count)}


WRONG: Final[dict[str, Callable[[int], Any]]] = {
    "unknown keys": keys,
    "numbers": lambda count: list(range(count)),
    "empty texts": lambda count: [""] * count,
    "nulls": lambda count: [None] * count,
    "objects": lambda count: [{"further": 1}] * count,
    "lists": lambda count: [[]] * count,
    "an object of objects": lambda count: {f"key {number}": {} for number in range(count)},
    "one at the end": lambda count: ["a"] * count + [float("nan")],
    "a text": lambda count: "x" * count,
    "a text of controls": lambda count: "\x01" * count,
    "half of an emoji": lambda count: "\ud800" * count,
    "a long key": lambda count: {"\u202e" * count: 1},
    "deep": lambda count: orjson.loads(b"[" * 500 + b"]" * 500) * count,
}


def declared(load: Load) -> Collection[str]:
    """Return the keys that a schema has."""
    loader = getattr(load, "__self__", None)
    if isinstance(loader, MessageType):
        return loader.payload.fields
    return loader.schema.fields if isinstance(loader, Loader) else ()


def spoiled(name: str, wrong: Any) -> list[Any]:
    """Return values that are wrong as a whole, beside their keys, and in each of their keys."""
    load, minimal = LOADS[name]
    names = {*minimal, *declared(load)}
    beside = [minimal | wrong] if isinstance(wrong, dict) else [minimal | {"further": wrong}]
    return [wrong, *beside, *(minimal | {key: wrong} for key in sorted(names))]


@pytest.mark.parametrize("name", LOADS)
@pytest.mark.parametrize("kind", WRONG)
def test_a_refusal_costs_a_pass_over_the_value(name: str, kind: str) -> None:
    load = LOADS[name][0]
    few, many = spoiled(name, WRONG[kind](100)), spoiled(name, WRONG[kind](MANY))
    for little, much in zip(few, many, strict=True):
        before = calls(partial(load, little), SchemaError)
        assert before < ONCE + 100 * A_PASS
        assert calls(partial(load, much), SchemaError) < before + MANY * A_PASS
        assert bytes_of_error(load, much) < LARGEST_ERROR


@given(
    st.sampled_from(sorted(LOADS)),
    st.sampled_from(sorted(WRONG)),
    st.sampled_from(sorted(WRONG)),
    st.integers(1, 2_000),
)
def test_so_does_one_for_several_faults(name: str, one: str, other: str, count: int) -> None:
    load, minimal = LOADS[name]
    value = minimal | keys(count) | dict.fromkeys(minimal, WRONG[one](count))
    value |= {"further": WRONG[other](count)}
    assert calls(lambda: load(value), SchemaError) < ONCE + 4 * count * A_PASS
    assert bytes_of_error(load, value) < LARGEST_ERROR


def test_the_first_few_faults_are_named_and_the_others_counted() -> None:
    with pytest.raises(SchemaError) as caught:
        JOIN.load({"channel": "dev-team", "since": {"offset": 1, "epoch": "e"} | keys(88_000)})
    named = {f"since.key {number}" for number in range(10)}
    assert caught.value.fields.keys() == {*named, "since.… and 87,990 more"}
    with pytest.raises(SchemaError) as caught:
        REGISTRY.require("/workspaces", "git_status").load(
            {"branch": "main", "changed": ["a", *range(480_000)]}
        )
    places = [f"data.changed.{place}" for place in range(1, 11)]
    assert list(caught.value.fields) == [*places, "data.changed"]
    assert "first 10" in caught.value.fields["data.changed"]


def test_taking_a_list_costs_no_more_than_a_pass_either() -> None:
    """Also where the type has rules of its own, so that nothing is taken without marshmallow."""
    read = REGISTRY.require("/notifications", "notification_read")
    assert calls(lambda: read.load({"ids": list(range(MANY))})) < ONCE + MANY * A_PASS
    result = REGISTRY.require("/chat", "tool_output")
    assert isinstance(result.payload, ToolResult)
    nested = {"call_id": 1, "output": [[1]] * MANY}
    assert calls(lambda: result.load(nested)) < ONCE + MANY * A_PASS
