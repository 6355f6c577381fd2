"""Subprotocols of a WebSocket handshake (RFC 6455 §4.1): which is selected, and the token there.

Browsers can send a token in no other header. They refuse a WebSocket when they offer subprotocols
and none is selected.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final, NamedTuple

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2, "token"
_JWT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_TOKEN_PREFIX: Final = "access_token."  # noqa: S105


class Subprotocols(NamedTuple):
    """What a client offers.

    Args:
        selected: the one to answer with; None if it offers none.
        token: the JWT behind a name, or behind `access_token.`; None if there is none.
    """

    selected: str | None
    token: str | None


def read_subprotocols(header: str) -> Subprotocols:
    """Return what a `Sec-WebSocket-Protocol` offers.

    The name before the token is selected, or else the first one that is no token; a token itself
    only where it is all that is offered.
    """
    offered = [name for part in header.split(",") if _NAME.fullmatch(name := part.strip(" \t"))]
    for name, following in pairwise(offered):
        if not _is_token(name) and _JWT.fullmatch(following):
            return Subprotocols(name, following)
    tokens = [name for name in offered if _is_token(name)]
    token = tokens[0].removeprefix(_TOKEN_PREFIX) if tokens else None
    names = [name for name in offered if name not in tokens]
    return Subprotocols(next(iter(names or offered), None), token)


def _is_token(name: str) -> bool:
    return name.startswith(_TOKEN_PREFIX)
