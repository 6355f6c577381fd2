"""The JSON codec of everything on the wire, with the interface of Python's `json` module.

python-socketio takes it as its `json`.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

JSONDecodeError = json.JSONDecodeError


def dumps(value: Any, **_options: Any) -> str:
    """Return `value` as JSON text without spaces; `orjson.Fragment`s are inserted as they are."""
    return orjson.dumps(value).decode()


def loads(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    NaN and lone surrogates, which orjson refuses, are read by Python's own reader, so that a
    schema can name the field that is wrong.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deep.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)
