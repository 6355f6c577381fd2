"""An acceptor passes only what its schema passes (`schemas/acceptor.py`)."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, fields, validates_schema

from schemas.acceptor import compile_acceptor, is_plain_json
from schemas.catalogue import standard_registry
from schemas.fields import Integer, Text
from schemas.json_value import MAX_INT, MIN_INT, json_problem
from schemas.payloads import NotificationRead, Payload, ToolResult
from schemas.registry import MessageType
from schemas.requests import AUTHENTICATE, JOIN, LEAVE, PRESENCE, PUBLISH, Loader
from tests.support.documented import TYPES as DOCUMENTED
from tests.support.properties import json_like, nested_lists

HOOKED = ToolResult | NotificationRead
TYPES = [one for one in standard_registry() if not isinstance(one.payload, HOOKED)]
LOADERS = [JOIN, LEAVE, PRESENCE, PUBLISH, AUTHENTICATE]
EDGES: list[Any] = [
    "", "a", "x" * 1024, "x" * 1025, "ö", "\ud800", "a\n", "dev-team", "user", "busy", "x" * 129,
    True, False, None, 0, 1, -1, 2**53, 2**53 + 1, 2**63, -(2**63) - 1, 1.0, 0.5,
    float("nan"), float("inf"), b"a", [], ["a"], [1], [None], {}, {"a": 1}, {1: "a"},
    {"id": "a", "kind": "user"}, {"id": "a", "kind": "x"}, [{"id": "a", "kind": "agent"}],
    {"offset": 1, "epoch": "e"}, {"offset": -1, "epoch": "e"}, {"offset": 1, "e": 1},
]  # fmt: skip


@cache
def nearly(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with these keys, or others, and values at the edge of what fits."""
    keys = st.sampled_from([*names, "further", "\ud800", "ö"])
    return st.dictionaries(keys, st.sampled_from(EDGES) | json_like(), max_size=len(names) + 1)


@pytest.mark.parametrize("message_type", TYPES, ids=lambda one: f"{one.namespace}-{one.name}")
@given(data=st.data())
def test_what_a_type_accepts_its_schema_takes(message_type: MessageType, data: Any) -> None:
    value = data.draw(nearly(*message_type.payload.fields))
    if message_type._accepts(value):
        assert message_type.payload.validate(value) == {}
        assert message_type.payload.load(value) == value
        assert json_problem(value) is None


@pytest.mark.parametrize("loader", LOADERS, ids=lambda one: type(one.schema).__name__)
@given(data=st.data())
def test_what_a_request_accepts_its_schema_takes_as_it_is(loader: Loader, data: Any) -> None:
    value = data.draw(nearly(*loader.schema.fields) | json_like())
    if loader._accepts(value):
        assert loader.schema.load(value) == value


@given(value=nearly("a", "b"))
def test_plain_json_has_no_problem(value: dict[str, Any]) -> None:
    assert is_plain_json(value) == (json_problem(value) is None)


@pytest.mark.parametrize("message_type", TYPES, ids=lambda one: f"{one.namespace}-{one.name}")
def test_what_is_documented_is_accepted_quickly(message_type: MessageType) -> None:
    for one in DOCUMENTED:
        if (one.namespace, one.name) == (message_type.namespace, message_type.name):
            assert message_type._accepts(one.minimal)


@pytest.mark.parametrize("depth", [62, 63, 64, 65])
def test_what_is_accepted_is_nested_no_deeper_than_may_be(depth: int) -> None:
    nested = nested_lists(depth)
    for name, data in (
        ("user_message", {"content": "", "further": nested}),
        ("tool_call", {"call_id": 1, "tool": "a", "arguments": {"a": nested}}),
    ):
        message_type = standard_registry().require("/chat", name)
        assert message_type._accepts(data) == (json_problem(data) is None)


def test_an_integer_is_of_64_bits_whatever_its_schema_says() -> None:
    class Wide(Payload):
        a = Integer(required=True, minimum=-(2**70), maximum=2**70)

    accepts = compile_acceptor(Wide())
    for number in (MIN_INT - 1, MIN_INT, MAX_INT, MAX_INT + 1):
        assert accepts({"a": number}) == (MIN_INT <= number <= MAX_INT)


def test_rules_that_it_does_not_know_are_left_to_the_schema() -> None:
    class Ruled(Schema):
        a = Text()

        @validates_schema
        def never(self, data: Any, **kwargs: Any) -> None: ...

    class Odd(Schema):
        a = fields.IPv4()

    class Defaulted(Schema):
        a = Text(load_default="b")

    for schema in (Ruled(), Odd(), Defaulted()):
        assert not compile_acceptor(schema)({"a": "127.0.0.1"})
