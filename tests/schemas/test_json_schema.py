"""JSON Schema says what the marshmallow schemas say."""

from __future__ import annotations

import re
from typing import Any

import pytest
from marshmallow import Schema, fields, validate

from schemas.catalogue import standard_registry
from schemas.json_schema import JsonSchema, envelope_schema, object_schema, registry_schema
from schemas.payloads import GitStatus
from tests.support.documented import TYPES, Documented

ROOT = registry_schema(standard_registry())
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def resolve(schema: JsonSchema) -> JsonSchema:
    reference = schema.get("$ref")
    return ROOT["$defs"][reference.removeprefix("#/$defs/")] if reference else schema


def fits(schema: JsonSchema, value: Any) -> bool:
    """Judge a value by as much of JSON Schema as is used here."""
    schema = resolve(schema)
    if "anyOf" in schema:
        return any(fits(one, value) for one in schema["anyOf"])
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    if names and type(value) not in {kind for name in names for kind in JSON_TYPES[name]}:
        return False
    if isinstance(value, str):
        return (
            schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
            and value in schema.get("enum", [value])
            and re.search(schema.get("pattern", ""), value) is not None
        )
    if isinstance(value, list):
        return all(fits(schema.get("items", {}), one) for one in value)
    if isinstance(value, dict):
        properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        return set(schema.get("required", [])) <= value.keys() and all(
            fits(properties[key], one) if key in properties else more for key, one in value.items()
        )
    if isinstance(value, int):
        return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    return True


def payload(row: Documented) -> JsonSchema:
    return resolve(ROOT["properties"][row.namespace]["properties"][row.name])


@pytest.mark.parametrize("row", TYPES, ids=str)
def test_a_payload_admits_what_is_documented(row: Documented) -> None:
    schema = payload(row)
    assert schema["properties"].keys() == row.keys.keys()
    assert fits(schema, {**row.minimal, "further": [1, None]})
    for key, kind in row.keys.items():
        for value in kind.good:
            assert fits(schema, row.minimal | {key: value}), (key, value)
        for value in kind.bad:
            assert not fits(schema, row.minimal | {key: value}), (key, value)


def test_every_namespace_has_all_its_types_and_no_other() -> None:
    listed = {
        (namespace, name)
        for namespace, types in ROOT["properties"].items()
        for name in types["properties"]
    }
    assert listed == {(row.namespace, row.name) for row in TYPES}


def test_an_envelope_is_as_members_receive_it() -> None:
    schema = envelope_schema()
    assert schema["required"] == ["type", "channel", "data", "timestamp"]
    assert schema["additionalProperties"] is False
    envelope: dict[str, Any] = {"type": "log", "channel": None, "data": {}, "timestamp": "now"}
    assert fits(schema, envelope)
    assert fits(schema, envelope | {"channel": "dev-team", "sender": {"id": "a", "kind": "user"}})
    assert not fits(schema, envelope | {"channel": "no {braces}"})
    assert not fits(schema, envelope | {"sender": {"id": "a", "kind": "king"}})
    assert not fits(schema, envelope | {"further": 1})


def test_bounds_are_told() -> None:
    properties = object_schema(GitStatus())["properties"]
    assert properties["ahead"] == {"type": "integer", "minimum": 0, "maximum": 2**53}
    items = {"type": "string", "minLength": 1, "maxLength": 4096}
    assert properties["changed"] == {"type": "array", "items": items}


class OfUnknownField(Schema):
    moment = fields.Time()


class OfUnknownRule(Schema):
    name = fields.String(validate=validate.Regexp("a+"))


@pytest.mark.parametrize("schema", [OfUnknownField(), OfUnknownRule()])
def test_what_it_can_not_say_it_refuses(schema: Schema) -> None:
    with pytest.raises(TypeError, match="no JSON Schema for a"):
        object_schema(schema)
