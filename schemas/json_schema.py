"""JSON Schema (draft 2020-12) of a registry, for programs in other languages.

It can't express what a schema checks in code (`validates_schema`), all the rules of channels'
names, nor those for every value (plain JSON, nested no more than 64 deep). Those only the server
checks.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from marshmallow import INCLUDE, Schema, fields, validate

from app.core.channel import MAX_NAME
from schemas.catalogue import standard_registry
from schemas.envelope import Envelope
from schemas.fields import (
    Boolean,
    ChannelName,
    Integer,
    IntegerOrText,
    JsonObject,
    JsonValue,
    Object,
    ShortText,
    Text,
)
from schemas.nesting import List, Nested
from schemas.registry import Registry

JsonSchema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
# What JSON Schema's patterns can say of a channel's name in every language.
_NAME: Final = r'^[^\x00-\x1f\x7f-\x9f\u2028\u2029*~"\\<>{}]+$'
# The server adds these to an envelope before members receive it.
_ALWAYS: Final = frozenset({"type", "channel", "data", "timestamp"})


def registry_schema(registry: Registry) -> JsonSchema:
    """Return the schema of an object that has each namespace's payloads by type.

    Its `$defs` have the schemas of the envelope, of all payloads and of what is nested in them,
    under the names of their marshmallow classes.
    """
    definitions = {"Envelope": envelope_schema()}
    for nested in _nested(Envelope()):
        definitions[_name(nested)] = object_schema(nested)
    namespaces: dict[str, JsonSchema] = {name: {} for name in registry.namespaces}
    for message_type in registry:
        payload = message_type.payload
        for schema in (payload, *_nested(payload)):
            definitions[_name(schema)] = object_schema(schema)
        namespaces[message_type.namespace][message_type.name] = _reference(payload)
    return {
        "$schema": DIALECT,
        "title": "Payloads",
        "description": "The `data` of each type of message, by namespace.",
        **_closed({name: _closed(types) for name, types in namespaces.items()}),
        "$defs": definitions,
    }


def envelope_schema() -> JsonSchema:
    """Return the schema of an envelope as a member receives it."""
    schema = object_schema(Envelope())
    schema["properties"]["channel"]["type"] = ["string", "null"]
    schema["required"] = [name for name in schema["properties"] if name in _ALWAYS]
    return schema


def object_schema(schema: Schema) -> JsonSchema:
    """Return the JSON Schema of what `schema` loads.

    Raises:
        TypeError: a field or a validator is of an unknown kind.
    """
    described = {"description": text} if (text := _description(schema)) else {}
    return {
        **described,
        "type": "object",
        "properties": {name: _field_schema(field) for name, field in schema.fields.items()},
        "required": [name for name, field in schema.fields.items() if field.required],
        "additionalProperties": schema.unknown == INCLUDE,
    }


def _name(schema: Schema) -> str:
    return type(schema).__name__


def _reference(schema: Schema) -> JsonSchema:
    return {"$ref": f"#/$defs/{_name(schema)}"}


def _nested(schema: Schema) -> Iterator[Schema]:
    """Yield every schema that is nested in `schema`, at any depth."""
    for field in schema.fields.values():
        inner = field.inner if isinstance(field, fields.List) else field
        if isinstance(inner, fields.Nested):
            yield inner.schema
            yield from _nested(inner.schema)


def _description(schema: Schema) -> str | None:
    """Return the first paragraph of a schema's own docstring, not of an inherited one."""
    text = type(schema).__dict__.get("__doc__")
    return " ".join(text.split("\n\n")[0].split()) if text else None


def _closed(properties: dict[str, JsonSchema]) -> JsonSchema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _field_schema(field: fields.Field[Any]) -> JsonSchema:
    make = _KINDS.get(type(field))
    if make is None:
        raise TypeError(f"{field.name}: no JSON Schema for a {type(field).__name__}")
    schema = make(field) | _bounds(field.validators)
    if field.allow_none and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    return schema


def _bounds(validators: Iterable[Callable[[Any], Any]]) -> JsonSchema:
    schema: JsonSchema = {}
    for validator in validators:
        match validator:
            case validate.Length():
                schema |= {"minLength": validator.min, "maxLength": validator.max}
            case validate.Range():
                schema |= {"minimum": validator.min, "maximum": validator.max}
            case validate.OneOf():
                schema |= {"enum": list(validator.choices)}
            case _:
                raise TypeError(f"no JSON Schema for a {type(validator).__name__}")
    return {key: bound for key, bound in schema.items() if bound is not None}


def _integer_or_text(_field: Any) -> JsonSchema:
    return {"anyOf": [_field_schema(IntegerOrText.INTEGER), _field_schema(IntegerOrText.TEXT)]}


def _type(name: str, **further: Any) -> Callable[[Any], JsonSchema]:
    return lambda _field: {"type": name, **further}


_KINDS: Final[dict[type, Callable[[Any], JsonSchema]]] = {
    fields.String: _type("string"),
    Text: _type("string"),
    ShortText: _type("string"),
    ChannelName: _type("string", minLength=1, maxLength=MAX_NAME, pattern=_NAME),
    fields.AwareDateTime: _type("string", format="date-time"),
    Integer: _type("integer"),
    Boolean: _type("boolean"),
    Object: _type("object"),
    JsonObject: _type("object"),
    JsonValue: lambda _field: {},
    IntegerOrText: _integer_or_text,
    List: lambda field: {"type": "array", "items": _field_schema(field.inner)},
    Nested: lambda field: _reference(field.schema),
}


if __name__ == "__main__":
    json.dump(registry_schema(standard_registry()), sys.stdout, indent=2)
