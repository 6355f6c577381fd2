"""The handshake: the HTTP request that opened a connection, in compact form."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final, Self

from aiohttp import web

_NO_PREFIX: Final = {"CONTENT_TYPE", "CONTENT_LENGTH"}


class Handshake(Mapping[str, Any]):
    """The request line and headers, without aiohttp's request.

    python-socketio hands connect handlers a WSGI environment that contains aiohttp's request, and
    keeps it as long as the connection. Here the environment is made on demand, by `environ` or by
    a key, and `REMOTE_ADDR` is the client's address (stock: always 127.0.0.1).

    Args:
        target: path and query, as they were sent.
        remote: the client's address.
        lines: the headers, each a line that ends with CRLF.
    """

    __slots__ = ("_head",)

    def __init__(self, method: str, target: str, remote: str, scheme: str, lines: bytes) -> None:
        # One bytes object, for memory: it is kept as long as the connection.
        self._head = f"{method}\r\n{target}\r\n{remote}\r\n{scheme}\r\n".encode() + lines

    @classmethod
    def of(cls, request: web.Request) -> Self:
        """Return the handshake of an aiohttp request."""
        lines = b"".join(b"%b:%b\r\n" % header for header in request.raw_headers)
        remote = remote_address(request.remote)
        return cls(request.method, request.path_qs, remote, request.scheme, lines)

    @property
    def remote(self) -> str:
        """The client's address."""
        return self._head.split(b"\r\n", 3)[2].decode()

    @property
    def environ(self) -> dict[str, Any]:
        """A new WSGI environment (PEP 3333) of the request, without its body."""
        method, path_qs, remote, scheme, *headers, _end = self._head.decode(
            "utf-8", "replace"
        ).split("\r\n")
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
            value = value.strip(" \t")
            key = name.upper().replace("-", "_")
            if key not in _NO_PREFIX:
                key = f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ

    def __getitem__(self, key: str) -> Any:
        return self.environ[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.environ)

    def __len__(self) -> int:
        return len(self.environ)


def remote_address(peername: Any) -> str:
    """Return a socket's peer name without its port; empty when the socket is gone."""
    address = str(peername[0] if isinstance(peername, tuple | list) else peername or "")
    return address.removeprefix("::ffff:")  # IPv4's, where `HOST` is ::
