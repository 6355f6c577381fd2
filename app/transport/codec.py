"""JSON for everything on the wire, in the shape that python-socketio asks of a `json` module."""

from __future__ import annotations

import json
from typing import Any

import orjson

JSONDecodeError = json.JSONDecodeError


def dumps(value: Any, **_options: Any) -> str:
    """Return `value` as JSON text without spaces; `orjson.Fragment`s go in as they are."""
    return orjson.dumps(value).decode()


def loads(text: str | bytes) -> Any:
    """Read JSON.

    What orjson refuses but Python's own reader takes (NaN, lone surrogates) is returned, so that
    a schema can say which field is wrong.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deep to be read.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)
