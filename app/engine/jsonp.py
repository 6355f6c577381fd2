"""JSONP: payloads as scripts and forms, for pages that can't poll across origins in another way.

`engine.io/lib/transports/polling-jsonp.ts` says what they look like.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs

import orjson

_ESCAPED_NEWLINE: Final = re.compile(r"(\\?)\\n")
_NO_DIGITS: Final = re.compile(r"[^0-9]+")


def payload_of(form: str) -> str:
    r"""Return the payload in a form.

    Forms turn line ends into those of their platform, so clients write `\n` for them, and `\\n` for
    a `\n` of the text itself.

    Raises:
        KeyError: it has none.
    """
    data = parse_qs(form)["d"][0]
    data = _ESCAPED_NEWLINE.sub(lambda found: found[0] if found[1] else "\n", data)
    return data.replace(r"\\n", r"\n")


def script_of(payload: str, index: str) -> str:
    """Return the script that hands a payload to the client's function number `index`."""
    text = orjson.dumps(payload).decode()
    # Line ends in JavaScript before ES2019, though not in JSON.
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"___eio[{_NO_DIGITS.sub('', index)}]({text});"
