"""Names of types: which are well-formed, which are reserved, and which one was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

_NAME: Final = re.compile(r"[a-z][a-z0-9_.]{0,63}")
TYPE_RULE: Final = "Must be 1 to 64 characters of a-z 0-9 _ . and begin with a letter"
#: No type has these names, whether or not they mean something yet.
RESERVED: Final = frozenset(
    # Socket.IO's own events,
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
    # requests, also those of plain WebSockets,
    | {"join", "leave", "history", "presence", "authenticate", "auth", "ping", "client.resume"}
    | {"runs", "serve", "unserve"}
    # and the server's own events.
    | {"connection_ack", "ack", "error", "pong", "discontinuity", "reconnect"}
    | {"chat.resume_boundary", "chat_input", "run_assigned", "run_input", "run_cancel"}
)


def is_type_name(name: str) -> bool:
    """Return whether `name` can be the name of a type."""
    return _NAME.fullmatch(name) is not None and name not in RESERVED


def unknown_type(name: str, namespace: str, known: Iterable[str]) -> str:
    """Return what is wrong with the name of a type that a namespace doesn't have.

    Args:
        known: the types that it has; the nearest is named.
    """
    text = f"Not a type of message in {namespace}"
    if name in RESERVED:
        return f"{text}: the name is reserved."
    if nearest := get_close_matches(name[:64], known, n=1):
        return f"{text}; the nearest is {nearest[0]}."
    return f"{text}." if _NAME.fullmatch(name) else f"{text}. {TYPE_RULE}."
