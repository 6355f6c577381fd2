"""JSON values: whether every client can read a value unchanged."""

from __future__ import annotations

import math
from typing import Any, Final

MAX_DEPTH: Final = 64
# The range of signed and unsigned 64 bits. JavaScript is exact up to 2**53 only.
MIN_INT: Final = -(2**63)
MAX_INT: Final = 2**64 - 1

LONE_SURROGATE: Final = "Holds a lone surrogate, which is not Unicode text."
_KINDS: Final = (str, bool, int, float, list, dict)


def json_problem(value: Any) -> str | None:
    """Return why `value` can't be sent as JSON, or None if it can.

    Rejected are values nested more than `MAX_DEPTH` deep, NaN and the infinities (RFC 8259 §6),
    integers beyond 64 bits, strings with a lone surrogate (§8.2), and anything that isn't JSON.
    There is no recursion, because the value may be nested deeper than the stack; and each level is
    judged as a whole, because a step of Python's for each item takes longer than all else.
    """
    level = [value]
    for _depth in range(MAX_DEPTH + 1):
        below: list[Any] = []
        kinds = dict.fromkeys(map(type, level))
        for kind in kinds:
            items = level if len(kinds) == 1 else [one for one in level if type(one) is kind]
            if (problem := _problem(kind, items, below)) is not None:
                return problem
        if not below:
            return None
        level = below
    return f"Nested more than {MAX_DEPTH} deep."


def _problem(kind: type, items: list[Any], below: list[Any]) -> str | None:
    """Return what is wrong with items of one kind; add what they hold to `below`."""
    if kind not in _KINDS:
        # Of a subclass, such as an enumeration's.
        kind = next((one for one in _KINDS if issubclass(kind, one)), kind)
    if kind is str:
        return None if is_unicode("".join(items)) else LONE_SURROGATE
    if kind is int:
        if min(items) < MIN_INT or max(items) > MAX_INT:
            return "Holds an integer of more than 64 bits."
    elif kind is float:
        if not all(map(math.isfinite, items)):
            return "Holds NaN or Infinity, which JSON can't express."
    elif kind is list:
        for item in items:
            below += item
    elif kind is dict:
        return _problem_of_keys(items, below)
    elif kind is not bool and kind is not type(None):
        return "Holds binary data or another thing that is not JSON."
    return None


def _problem_of_keys(items: list[dict[Any, Any]], below: list[Any]) -> str | None:
    keys: list[Any] = []
    for item in items:
        keys += item
        below += item.values()
    if not all(issubclass(kind, str) for kind in set(map(type, keys))):
        return "Holds a key that is not text."
    return None if is_unicode("".join(keys)) else LONE_SURROGATE


def is_unicode(text: str) -> bool:
    """Return whether `text` is without lone surrogates, which can't be encoded."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
