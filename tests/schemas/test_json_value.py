"""What can't travel as JSON to every client, unharmed."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given

from schemas.json_value import MAX_DEPTH, json_problem
from tests.support.properties import json_like, nested_lists

HARMLESS: list[Any] = [
    None,
    True,
    0,
    -1,
    2**64 - 1,
    -(2**63),
    0.5,
    -0.0,
    1.7e308,
    "",
    "a\x00ü😀",
    [],
    {},
]
HARMFUL = {
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": -math.inf,
    "over 64 bits": 2**64,
    "under 64 bits": -(2**63) - 1,
    "huge": 10**5000,
    "lone surrogate": "a\ud800",
    "bytes": b"a",
    "tuple": (1, 2),
    "set": {1},
    "datetime": datetime.now(UTC),
    "object": object(),
    "key that is no text": {5: 1},
    "key that is null": {None: 1},
    "key with a lone surrogate": {"\udfff": 1},
    "10,000 lists": nested_lists(10_000),
}


@pytest.mark.parametrize("value", HARMLESS, ids=repr)
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [[x]], lambda x: {"a": {"b": x}}])
def test_json_is_fine(value: Any, wrap: Any) -> None:
    assert json_problem(wrap(value)) is None


@pytest.mark.parametrize("value", HARMFUL.values(), ids=HARMFUL.keys())
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [[1, x]], lambda x: {"a": {"b": x}}])
def test_what_harms_is_found_at_any_depth(value: Any, wrap: Any) -> None:
    problem = json_problem(wrap(value))
    assert problem is not None
    assert problem.endswith((".", "deep."))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (math.nan, "NaN"),
        (2**64, "64 bits"),
        ("\ud800", "surrogate"),
        ({5: 1}, "key"),
        (b"a", "binary"),
        (nested_lists(MAX_DEPTH + 2), str(MAX_DEPTH)),
    ],
    ids=lambda value: "" if not isinstance(value, str) else ascii(value),
)
def test_the_problem_is_said(value: Any, problem: str) -> None:
    assert problem in (json_problem(value) or "")


def test_the_deepest_that_is_fine() -> None:
    assert json_problem(nested_lists(MAX_DEPTH + 1)) is None
    assert json_problem(nested_lists(MAX_DEPTH + 2)) is not None


@given(json_like())
def test_what_has_no_problem_arrives_as_it_was(value: Any) -> None:
    if json_problem(value) is None:
        assert orjson.loads(orjson.dumps(value)) == value


@given(json_like())
def test_what_has_a_problem_is_really_not_json_for_all(value: Any) -> None:
    if json_problem(value) is not None:
        assert _unfit(value)


def _unfit(value: Any) -> bool:
    """Say it by recursion, for values that aren't deep."""
    if isinstance(value, str):
        return any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, int):
        return not -(2**63) <= value < 2**64
    if isinstance(value, list):
        return any(map(_unfit, value))
    return isinstance(value, dict) and any(map(_unfit, [*value, *value.values()]))
