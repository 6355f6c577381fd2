"""Subprotocols of WebSockets, in which browsers can bring a token (RFC 6455 §1.9)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_JWT: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_NAME: Final = re.compile(r"[!#$%&'*+.^`|~\w-]+", re.ASCII)  # RFC 9110 §5.6.2
_PREFIX: Final = "access_token."


class Offered(NamedTuple):
    """What a client offers.

    Args:
        token: the token among it, or None.
        selected: the one that the server selects, without which a browser gives up, or None.
    """

    token: str | None = None
    selected: str | None = None


_NOTHING: Final = Offered()


def read_offered(header: str) -> Offered:
    """Return what `Sec-WebSocket-Protocol` offers.

    A token is the one behind a name, which is selected, or `access_token.<jwt>`, which is selected
    itself where nothing else is offered. Where there is no token the first is selected, as by the
    official server; nothing, where the header isn't valid.
    """
    if not header:
        return _NOTHING
    names = [name.strip(" \t") for name in header.split(",")]
    if not all(map(_NAME.fullmatch, names)):
        return Offered()
    for at, name in enumerate(names):
        if name.startswith(_PREFIX) and _JWT.fullmatch(token := name.removeprefix(_PREFIX)):
            others = names[:at] + names[at + 1 :]
            return Offered(token, others[0] if others else name)
        if at and _JWT.fullmatch(name):
            return Offered(name, names[at - 1])
    return Offered(selected=names[0])
