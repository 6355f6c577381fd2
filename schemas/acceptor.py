"""Say quickly that a value certainly fits its schema.

marshmallow takes about 20 µs for a small message; nearly all messages are right. An acceptor is
compiled from a schema and passes only what the schema would pass without changing it; whatever it
doesn't pass is the schema's to judge, and to explain. `tests/schemas/test_acceptor.py` holds the
two together.
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


def compile_acceptor(schema: Schema) -> Accept:
    """Return the acceptor of a schema.

    Of a schema with rules or fields that it doesn't know it accepts nothing; of one that takes
    further keys only what is plain JSON altogether.
    """
    if any(schema._hooks.values()) or any(not _is_plain(field) for field in schema.fields.values()):  # noqa: SLF001
        return lambda value: False
    checks = {name: _compile_field(field) for name, field in schema.fields.items()}
    required = {name: checks[name] for name, field in schema.fields.items() if field.required}
    optional = {name: check for name, check in checks.items() if name not in required}
    takes_more = schema.unknown == INCLUDE
    # Nearly all objects have the required keys alone; where those hold no further values, and
    # so can't nest too deep, nothing is left to be looked at.
    required_checks, required_count = tuple(required.items()), len(required)
    flat = all(type(schema.fields[name]) in _FLAT for name in required)
    suffices = flat or not takes_more

    def accepts(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for name, check in required_checks:
            if name not in value or not check(value[name]):
                return False
        if len(value) == required_count and suffices:
            return True
        for name, item in value.items():
            if name in required:
                continue
            if name in optional:
                if not optional[name](item):
                    return False
            elif not takes_more:
                return False
        return not takes_more or is_plain_json(value)

    return accepts


def is_plain_json(value: dict[str, Any]) -> bool:
    """Tell whether `json_problem` finds nothing; quick where values are not nested."""
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
    """Tell whether a field hands on what it takes, under its own name."""
    return field.load_default is missing and field.data_key is None


def _compile_field(field: fields.Field[Any]) -> Accept:
    check = _KINDS.get(type(field), _never)(field)
    if field.allow_none:
        return lambda value: value is None or check(value)
    return check


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
    check = _compile_field(field.inner)
    return lambda value: type(value) is list and all(map(check, value))


def _integer_or_text(_field: IntegerOrText) -> Accept:
    integer, text = _compile_field(IntegerOrText.INTEGER), _compile_field(IntegerOrText.TEXT)
    return lambda value: text(value) if type(value) is str else integer(value)


# Of what these accept, nothing is a list or an object.
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
    JsonValue: lambda field: lambda value: json_problem(value) is None,
    fields.String: _choice,
    fields.List: _list,
    fields.Nested: lambda field: compile_acceptor(field.schema),
}
