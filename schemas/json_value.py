"""JSON values: whether every client can read a value unchanged."""

from __future__ import annotations

import math
from typing import Any, Final

MAX_DEPTH: Final = 64
# The range of signed and unsigned 64 bits. JavaScript is exact up to 2**53 only.
MIN_INT: Final = -(2**63)
MAX_INT: Final = 2**64 - 1


def json_problem(value: Any) -> str | None:
    """Return why `value` can't be sent as JSON, or None if it can.

    Rejected are values nested more than `MAX_DEPTH` deep, NaN and the infinities (RFC 8259 §6),
    integers beyond 64 bits, strings with a lone surrogate (§8.2), and anything that isn't JSON.
    There is no recursion, because the value may be nested deeper than the stack.
    """
    level = [value]
    for _depth in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if not item.isascii() and not is_unicode(item):
                    return "Holds a lone surrogate, which is not Unicode text."
            elif item is None or isinstance(item, bool):
                continue
            elif isinstance(item, int):
                if not MIN_INT <= item <= MAX_INT:
                    return "Holds an integer of more than 64 bits."
            elif isinstance(item, float):
                if not math.isfinite(item):
                    return "Holds NaN or Infinity, which JSON can't express."
            elif isinstance(item, list):
                below += item
            elif isinstance(item, dict):
                if not all(isinstance(key, str) for key in item):
                    return "Holds a key that is not text."
                below += item
                below += item.values()
            else:
                return "Holds binary data or another thing that is not JSON."
        if not below:
            return None
        level = below
    return f"Nested more than {MAX_DEPTH} deep."


def is_unicode(text: str) -> bool:
    """Return whether `text` is without lone surrogates, which can't be encoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
