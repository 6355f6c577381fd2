"""Acceptors: a fast path for values that certainly fit their schema.

marshmallow takes about 20 µs for a small message, and nearly all messages are valid. An acceptor is
compiled from a schema and accepts only what the schema would load unchanged. Everything else is
left to the schema, which may load it, or explain what is wrong. `tests/schemas/test_acceptor.py`
compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from marshmallow import INCLUDE, Schema, fields, missing, validate

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
    is_channel_name,
)
from schemas.json_value import MAX_INT, MIN_INT, is_unicode, json_problem

Accept = Callable[[Any], bool]

_FEW: Final = 16


def compile_acceptor(schema: Schema) -> Accept:
    """Return the acceptor of a schema.

    It accepts nothing if the schema has hooks, or fields of an unknown kind. If the schema allows
    unknown keys, it accepts only values that are plain JSON throughout.
    """
    if any(schema._hooks.values()) or any(not _is_plain(field) for field in schema.fields.values()):  # noqa: SLF001
        return lambda value: False
    checks = {name: compile_field(field) for name, field in schema.fields.items()}
    required = [(name, checks.pop(name)) for name, field in schema.fields.items() if field.required]
    optional = list(checks.items())
    allows_unknown = schema.unknown == INCLUDE
    # Nearly all objects have the required keys alone. If the values of those aren't nested, nothing
    # else remains to be checked.
    count = len(required)
    flat = all(type(schema.fields[name]) in _FLAT for name, _check in required)
    suffices = flat or not allows_unknown

    def accepts(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for name, check in required:
            if name not in value or not check(value[name]):
                return False
        if len(value) == count and suffices:
            return True
        known = count
        for name, check in optional:
            if name in value:
                if not check(value[name]):
                    return False
                known += 1
        return is_plain_json(value) if allows_unknown else len(value) == known

    return accepts


def is_plain_json(value: dict[str, Any]) -> bool:
    """Return whether `json_problem` finds nothing; fast if values are few and not nested."""
    if len(value) > _FEW:
        return json_problem(value) is None
    for key, item in value.items():
        kind = type(item)
        if not (type(key) is str and (key.isascii() or is_unicode(key))):
            return False
        if kind is str:
            if not (item.isascii() or is_unicode(item)):
                return False
        elif kind is int:
            if not MIN_INT <= item <= MAX_INT:
                return False
        elif kind is float:
            if not math.isfinite(item):
                return False
        elif kind is not bool and item is not None:
            return json_problem(value) is None
    return True


def _is_plain(field: fields.Field[Any]) -> bool:
    """Return whether a field loads values unchanged and under its own name."""
    return field.load_default is missing and field.data_key is None


def compile_field(field: fields.Field[Any]) -> Accept:
    """Return the acceptor of a field's values."""
    check = _compile_kind(field)
    if field.allow_none:
        return lambda value: value is None or check(value)
    return check


def _compile_kind(field: fields.Field[Any]) -> Accept:
    if isinstance(field, fields.Nested):
        return compile_acceptor(field.schema)
    if isinstance(field, fields.List):
        return _list(field)
    return _KINDS.get(type(field), _never)(field)


def _never(_field: Any) -> Accept:
    return lambda value: False


def _text(field: Text) -> Accept:
    length = next((one for one in field.validators if isinstance(one, validate.Length)), None)
    least = length.min or 0 if length else 0
    most = length.max if length and length.max is not None else math.inf

    def accepts(value: Any) -> bool:
        return (
            type(value) is str
            and least <= len(value) <= most
            and (value.isascii() or is_unicode(value))
        )

    return accepts


def _integer(field: Integer) -> Accept:
    match list(field.validators):
        case [validate.Range(min=int(least), max=int(most))]:
            least, most = max(least, MIN_INT), min(most, MAX_INT)
            return lambda value: type(value) is int and least <= value <= most
    return _never(field)


def _choice(field: fields.String) -> Accept:
    match list(field.validators):
        case [validate.OneOf() as one]:
            choices = frozenset(one.choices)
            return lambda value: type(value) is str and value in choices
    return _never(field)


def _list(field: fields.List[Any]) -> Accept:
    check = compile_field(field.inner)
    return lambda value: type(value) is list and all(map(check, value))


def _integer_or_text(_field: IntegerOrText) -> Accept:
    integer, text = compile_field(IntegerOrText.INTEGER), compile_field(IntegerOrText.TEXT)
    return lambda value: text(value) if type(value) is str else integer(value)


# What these accept is never a list or an object.
_FLAT: Final = frozenset(
    {Text, ShortText, ChannelName, Integer, Boolean, IntegerOrText, fields.String}
)
_KINDS: Final[dict[type, Callable[[Any], Accept]]] = {
    Text: _text,
    ShortText: _text,
    ChannelName: lambda field: is_channel_name,
    Integer: _integer,
    Boolean: lambda field: lambda value: type(value) is bool,
    IntegerOrText: _integer_or_text,
    Object: lambda field: lambda value: type(value) is dict,
    JsonObject: lambda field: lambda value: type(value) is dict and is_plain_json(value),
    JsonValue: lambda field: lambda value: value is not None and json_problem(value) is None,
    fields.String: _choice,
}
