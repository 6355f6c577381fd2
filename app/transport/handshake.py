"""The handshake: the HTTP request that opened a connection, in compact form."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Self

from aiohttp import web

from app.core.subprotocol import read_offered

#: Headers that are kept, beside those of an application's own (`X-…`): who asks, from which page,
#: in which language, and with which credentials.
KEPT: Final = frozenset(
    {"host", "origin", "user-agent", "accept-language", "cookie"}
    | {"authorization", "sec-websocket-protocol"}
)
#: Bytes of headers that are kept; past that, the largest are not, unless they bring the token.
MOST_KEPT_BYTES: Final = 4096
_OWN: Final = "x-"
#: What they say is in `remote` and the scheme, if whoever has said it is trusted.
_FORWARDED: Final = "x-forwarded-"

_Header = tuple[str, str]


class Handshake(Mapping[str, Any]):
    """The request line and the headers that are needed, without aiohttp's request.

    python-socketio hands connect handlers a WSGI environment that contains aiohttp's request, and
    keeps it as long as the connection. Here the environment is made on demand, by `environ` or by
    a key, and `REMOTE_ADDR` is the client's address (stock: always 127.0.0.1).

    Args:
        target: path and query, as they were sent.
        remote: the client's address.
        scheme: that by which the client has asked.
        headers: names in lower case, and values.
    """

    __slots__ = ("_head",)

    def __init__(
        self, method: str, target: str, remote: str, scheme: str, headers: Iterable[_Header]
    ) -> None:
        kept = [
            header
            for header in headers
            if header[0] in KEPT or (header[0][:2] == _OWN and header[0][:12] != _FORWARDED)
        ]
        lines = [f"{name}:{value}" for name, value in kept]
        if sum(map(len, lines)) > MOST_KEPT_BYTES:
            lines = [f"{name}:{value}" for name, value in _without_largest(kept)]
        # One bytes object, for memory: it is kept as long as the connection.
        self._head = "\r\n".join([method, target, remote, scheme, *lines]).encode(
            "utf-8", "replace"
        )

    @classmethod
    def of(cls, request: web.Request) -> Self:
        """Return the handshake of an aiohttp request."""
        remote = remote_address(request.remote)
        headers = (
            (name.decode("utf-8", "replace").lower(), value.decode("utf-8", "replace"))
            for name, value in request.raw_headers
        )
        return cls(request.method, request.path_qs, remote, request.scheme, headers)

    @property
    def remote(self) -> str:
        """The client's address."""
        return self._head.split(b"\r\n", 3)[2].decode()

    @property
    def environ(self) -> dict[str, Any]:
        """A new WSGI environment (PEP 3333) of the request, without its body."""
        method, path_qs, remote, scheme, *headers = self._head.decode().split("\r\n")
        path, _, query = path_qs.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "SCRIPT_NAME": "",
            "QUERY_STRING": query,
            "RAW_URI": path_qs,
            "REMOTE_ADDR": remote,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scheme,
            "wsgi.errors": sys.stderr,
            "wsgi.async": True,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for header in headers:
            name, _, value = header.partition(":")
            key = f"HTTP_{name.upper().replace('-', '_')}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ

    def __getitem__(self, key: str) -> Any:
        return self.environ[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.environ)

    def __len__(self) -> int:
        return len(self.environ)


def _without_largest(headers: list[_Header]) -> list[_Header]:
    """Return headers without the largest of them, except what brings a token."""
    kept, size = list(headers), sum(len(name) + len(value) for name, value in headers)
    for name, value in sorted(headers, key=lambda header: -len(header[1])):
        if size <= MOST_KEPT_BYTES:
            break
        if not _brings_token(name, value):
            kept.remove((name, value))
            size -= len(name) + len(value)
    return kept


def _brings_token(name: str, value: str) -> bool:
    if name == "authorization":
        return value[:7].lower() == "bearer "
    return name == "sec-websocket-protocol" and read_offered(value).token is not None


def remote_address(peername: Any) -> str:
    """Return a socket's peer name without its port; empty when the socket is gone."""
    address = str(peername[0] if isinstance(peername, tuple | list) else peername or "")
    return address.removeprefix("::ffff:")  # IPv4's, where `HOST` is ::
