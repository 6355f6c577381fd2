"""Marshmallow's tree of messages becomes dotted paths."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import SchemaError


@pytest.mark.parametrize(
    ("tree", "prefix", "fields"),
    [
        ({"a": ["Wrong."]}, "", {"a": "Wrong."}),
        ({"a": ["Wrong.", "Long."]}, "", {"a": "Wrong. Long."}),
        ({"a": {"b": {"c": ["Wrong."]}}}, "", {"a.b.c": "Wrong."}),
        ({"a": {0: {"b": ["Wrong."]}}}, "data", {"data.a.0.b": "Wrong."}),
        ({"_schema": ["Wrong."]}, "", {"": "Wrong."}),
        ({"_schema": ["Wrong."]}, "data", {"data": "Wrong."}),
        ({"a": {"_schema": ["Wrong."]}}, "", {"a": "Wrong."}),
        ({"a": ["1."], "b": ["2."]}, "data", {"data.a": "1.", "data.b": "2."}),
    ],
)
def test_paths(tree: Any, prefix: str, fields: dict[str, str]) -> None:
    assert SchemaError.from_marshmallow(tree, prefix).fields == fields


def test_an_error_reads_as_its_fields() -> None:
    assert str(SchemaError({"a": "Wrong.", "b.c": "Long."})) == "a: Wrong.; b.c: Long."


def test_an_error_keeps_its_own_fields() -> None:
    fields = {"a": "Wrong."}
    error = SchemaError(fields)
    fields.clear()
    assert error.fields == {"a": "Wrong."}
