"""What is kept of the request that opened a connection."""

from __future__ import annotations

import sys
from typing import Any, Final

from aiohttp import web

_NO_PREFIX: Final = {"CONTENT_TYPE", "CONTENT_LENGTH"}


class Handshake:
    """The request's line and headers, without the request.

    python-socketio hands a WSGI environment to connect handlers and keeps it for as long as the
    connection lives, with aiohttp's whole request in it. Here it is made when it is asked for,
    and `REMOTE_ADDR` is the client's address (stock: always 127.0.0.1).
    """

    __slots__ = ("_head",)

    def __init__(self, request: web.Request) -> None:
        line = (request.method, request.path_qs, request.remote or "", request.scheme)
        headers = b"\n".join(b"%b:%b" % header for header in request.raw_headers)
        self._head = b"\n".join((*(part.encode() for part in line), headers))

    @property
    def environ(self) -> dict[str, Any]:
        """A new WSGI environment (PEP 3333) of the request, without its body."""
        method, path_qs, remote, scheme, *headers = self._head.decode("utf-8", "replace").split(
            "\n"
        )
        path, _, query = path_qs.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "SCRIPT_NAME": "",
            "QUERY_STRING": query,
            "RAW_URI": path_qs,
            "REMOTE_ADDR": remote,
            "SERVER_SOFTWARE": "aiohttp",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.errors": sys.stderr,
            "wsgi.async": True,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for header in headers:
            name, _, value = header.partition(":")
            key = name.upper().replace("-", "_")
            if key not in _NO_PREFIX:
                key = f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        environ["wsgi.url_scheme"] = environ.get("HTTP_X_FORWARDED_PROTO", scheme)
        return environ
