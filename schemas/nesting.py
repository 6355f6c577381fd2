"""Nested fields: lists and objects within objects, of which the first few faults are named.

marshmallow collects every fault of a value, so that one of a megabyte would cost it seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import islice
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields

from schemas.acceptor import Accept, compile_field

#: Faults of one list or object that are named.
FEW: Final = 10


class List(fields.List[Any]):
    """A list. Once so many items are wrong, the rest isn't looked at."""

    @cached_property
    def _accepts(self) -> Accept:
        return compile_field(self.inner)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        accepts, deserialize = self._accepts, self.inner.deserialize
        loaded: list[Any] = []
        wrong: dict[int | str, Any] = {}
        for place, item in enumerate(value):
            if accepts(item):
                loaded.append(item)
                continue
            try:
                loaded.append(deserialize(item, **kwargs))
            except ValidationError as error:
                wrong[place] = error.messages
                if len(wrong) == FEW:
                    wrong["_schema"] = [f"Only the first {FEW} that are wrong are named."]
                    break
        if wrong:
            raise ValidationError(wrong)
        return loaded


class Nested(fields.Nested):
    """An object with a schema of its own."""

    def _load(self, value: Any, partial: Any = None) -> Any:
        return super()._load(summarized(value, self.schema), partial)


def known(value: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return an object with only the keys that a schema has."""
    return {key: value[key] for key in schema.fields if key in value}


def summarized(value: Any, schema: Schema) -> Any:
    """Return an object in which a schema that refuses unknown keys finds no more than a few.

    The others are one key, which says how many they are. What is no object stays as it is.
    """
    if not isinstance(value, Mapping) or len(value) <= len(schema.fields) + FEW:
        return value
    short = known(value, schema)
    if schema.unknown == RAISE:
        more = len(value) - len(short) - FEW
        short |= dict.fromkeys(islice((one for one in value if one not in short), FEW))
        if more > 0:
            short[f"… and {more:,} more"] = None
    return short
