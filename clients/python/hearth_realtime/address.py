"""Addresses: where a server's Engine.IO is, made of its URL."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import urlsplit

_SECURE: Final = {"http": False, "ws": False, "https": True, "wss": True}


class Address(NamedTuple):
    """An address of Engine.IO.

    Args:
        secure: whether TLS is spoken.
        authority: host, with what stands before and behind it in the URL.
        path: of Engine.IO, with the slash at its end.
        query: of the URL, for proxies that want one.
    """

    secure: bool
    authority: str
    path: str
    query: str

    @classmethod
    def of(cls, url: str, path: str | None = None) -> Address:
        """Return the address of a server.

        Args:
            url: may have a path, under which a proxy has the server: `https://host/hearth/`.
            path: of Engine.IO, if it isn't `socket.io` below that of the URL.

        Raises:
            ValueError: it is no URL of a server.
        """
        parts = urlsplit(url)
        if parts.scheme not in _SECURE or not parts.hostname:
            raise ValueError(f"a server's URL is like https://hearth.example.com, not {url!r}")
        if path is None:
            path = f"{parts.path.rstrip('/')}/socket.io"
        return cls(_SECURE[parts.scheme], parts.netloc, f"/{path.strip('/')}/", parts.query)

    def url(self, transport: str) -> str:
        """Return the URL that opens a session by `websocket` or `polling`."""
        scheme = ("ws" if transport == "websocket" else "http") + ("s" if self.secure else "")
        query = f"{self.query}&" if self.query else ""
        return f"{scheme}://{self.authority}{self.path}?{query}EIO=4&transport={transport}"

    def __str__(self) -> str:
        host = self.authority.rpartition("@")[2]  # without a password
        return f"{'https' if self.secure else 'http'}://{host}{self.path}"
