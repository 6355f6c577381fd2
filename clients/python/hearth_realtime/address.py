"""Addresses: where a server's Engine.IO is, made of its URL."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from hearth_realtime.errors import InvalidArgument

_SECURE: Final = {"http": False, "ws": False, "https": True, "wss": True}
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


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
            url: may have a path, under which a proxy has the server: `https://host/hearth/`; and
                no scheme, which is `http` then on this machine, and `https` elsewhere.
            path: of Engine.IO, if it isn't `socket.io` below that of the URL.

        Raises:
            InvalidArgument: it is no URL of a server.
        """
        parts = _split(url)
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


def _split(url: str) -> SplitResult:
    """Return the parts of a URL, with a scheme and a host. Raises `InvalidArgument`."""
    try:
        parts = urlsplit(url if _SCHEME.match(url) else f"//{url}")
        host, _ = parts.hostname, parts.port  # which raises if it is no port
    except (ValueError, TypeError):
        host = None
    if not host or any(character.isspace() for character in host):
        raise _no_url(url)
    if not parts.scheme:
        parts = parts._replace(scheme="http" if _is_here(host) else "https")
    if parts.scheme not in _SECURE:
        raise _no_url(url)
    return parts


def _no_url(url: object) -> InvalidArgument:
    return InvalidArgument(f"A server's URL is like https://hearth.example.com, not {url!r}.")


def _is_here(host: str) -> bool:
    """Return whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
