"""Nulls in optional keys: each is a key left out, because some languages write every key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema


def optional_keys(schema: Schema) -> frozenset[str]:
    """Return the keys of a schema in which a null means nothing."""
    return frozenset(
        name for name, field in schema.fields.items() if not field.required and not field.allow_none
    )


def without_nulls(value: Mapping[str, Any], optional: frozenset[str]) -> Mapping[str, Any]:
    """Return `value` without the optional keys that are null; itself where there are none."""
    nulls = [key for key in optional if key in value and value[key] is None]
    if not nulls:
        return value
    return {key: item for key, item in value.items() if key not in nulls}
