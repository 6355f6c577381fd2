"""The fast path: handshakes of WebSocket sessions, read without aiohttp (RFC 6455 §4.1).

As in `schemas/acceptor.py`, only what is beyond doubt is accepted: what every HTTP server reads in
the same way, and what aiohttp and the Engine.IO server would accept. They judge everything else.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from app.transport.takeover import answer

# Well within aiohttp's limits: 8,190 bytes a line, 128 headers.
MAX_HEAD_BYTES: Final = 8000
MAX_HEADERS: Final = 100

_PAIR: Final = rb"[A-Za-z0-9_-]+=[A-Za-z0-9._~%+-]*"
# No underscore in names: in an environment it would look like a hyphen.
_HEADER: Final = rb"[A-Za-z0-9-]+:[ -~]*\r\n"
_CONNECTION: Final = frozenset({"upgrade", "keep-alive, upgrade"})
# Headers that announce a body or expect an interim response, and one that aiohttp refuses.
_LEFT_TO_AIOHTTP: Final = frozenset(
    {"content-length", "transfer-encoding", "content-encoding", "trailer", "expect"}
    | {"sec-websocket-key1"}
)


class FastHandshake(NamedTuple):
    """A handshake on the fast path.

    Args:
        target: path and query, as they were sent.
        headers: the headers' values by lower-case name.
        reply: the response that accepts it.
        rest: bytes that arrived behind it.
    """

    target: str
    headers: dict[str, str]
    reply: bytes
    rest: bytes


@lru_cache(maxsize=64)
def _opens_session(query: bytes) -> bool:
    """Tell whether a query opens a session by WebSocket. Nearly all clients send the same one."""
    pairs = [pair.split("=", 1) for pair in query.decode("ascii").split("&")]
    parameters = dict(pairs)
    return (
        len(parameters) == len(pairs)
        and parameters.get("transport") == "websocket"
        and parameters.get("EIO") == "4"
        and parameters.keys().isdisjoint({"sid", "b64"})
    )


class FastHandshakeReader:
    """A reader of handshakes at one path.

    Args:
        path: the Engine.IO server's, such as `/socket.io/`.
    """

    def __init__(self, path: str) -> None:
        self._head = re.compile(
            rb"GET (%b\?(%b(?:&%b)*)) HTTP/1\.1\r\n((?:%b)+)\r\n"
            % (re.escape(path.encode()), _PAIR, _PAIR, _HEADER)
        )

    def read(self, data: bytes) -> FastHandshake | None:
        """Return the handshake at the beginning of `data`, or None where there is any doubt."""
        head = self._head.match(data, 0, MAX_HEAD_BYTES)
        if head is None:
            return None
        target, query, lines = head.groups()
        if not _opens_session(query):
            return None
        fields = lines.decode("ascii").split("\r\n")[:-1]
        headers = {}
        for field in fields:
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip(" ")
        if (
            len(headers) < len(fields)
            or len(headers) > MAX_HEADERS
            or "host" not in headers
            or headers.get("connection", "").lower() not in _CONNECTION
            or not _LEFT_TO_AIOHTTP.isdisjoint(headers)
        ):
            return None
        reply = answer(
            headers.get("upgrade", ""),
            headers.get("sec-websocket-version", ""),
            headers.get("sec-websocket-key", ""),
            headers.get("sec-websocket-protocol", ""),
        )
        if reply is None:
            return None
        return FastHandshake(target.decode("ascii"), headers, reply, data[head.end() :])
