"""Origins: of pages, as browsers write them (RFC 6454 §6.2), and of those that are admitted."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from yarl import URL

#: Some clients send the scheme of their WebSocket: React Native on Android, Swift's URLSession.
_SCHEMES: Final = {"ws": "http", "wss": "https"}
_PORTS: Final = {"http": 80, "https": 443}
_ORIGIN: Final = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#\s\\@]*)", re.IGNORECASE)
_HOST: Final = re.compile(r"[^/?#\s\\@]+")
_NAME: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|[0-9a-f:.]*:[0-9a-f:.]*")
_ANY_SUBDOMAIN: Final = "*."
# Names of hosts have at most 253 characters. Longer ones are neither parsed nor kept.
_LONGEST: Final = 512


class Origin(NamedTuple):
    """An origin in a browser's form.

    Args:
        host: in lower case, international names in ASCII (`xn--…`), IPv6 without brackets.
        port: the scheme's own where none is written; None where the scheme has none.
    """

    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        written = self.port is not None and self.port != _PORTS.get(self.scheme)
        return f"{self.scheme}://{host}:{self.port}" if written else f"{self.scheme}://{host}"


def parse_origin(text: str) -> Origin | None:
    """Return an `Origin` header in a browser's form; None for `null` and what is no origin."""
    return _parse_origin(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=1024)  # thousands of connections come from the same few pages
def _parse_origin(text: str) -> Origin | None:
    match = _ORIGIN.fullmatch(text)
    if match is None:
        return None
    scheme = match[1].lower()
    scheme = _SCHEMES.get(scheme, scheme)
    if not match[2] and scheme not in _PORTS:
        return Origin(scheme, "", None)  # `file://`
    named = _parse_host(match[2])
    if named is None or (scheme in _PORTS and not _NAME.fullmatch(named[0])):
        return None
    return Origin(scheme, named[0], named[1] or _PORTS.get(scheme))


def _parse_host(text: str) -> tuple[str, int | None] | None:
    """Return the name and the port of a `Host` header; None for what is none."""
    return _parse_short_host(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=1024)
def _parse_short_host(text: str) -> tuple[str, int | None] | None:
    if not _HOST.fullmatch(text):
        return None
    try:
        url = URL(f"x://{text}")
        return (url.raw_host or "", url.explicit_port) if url.raw_host else None
    except ValueError:
        return None


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches `host`, a name or an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_own_name(host: str) -> bool:
    """Tell whether a `Host` header names this machine."""
    named = _parse_host(host)
    return named is not None and _is_loopback_name(named[0])


def is_loopback_origin(text: str) -> bool:
    """Tell whether an `Origin` header is that of pages from this machine, from any port."""
    origin = parse_origin(text)
    return origin is not None and _is_loopback_name(origin.host)


def _is_loopback_name(name: str) -> bool:
    # Browsers resolve `*.localhost` by themselves (RFC 6761 §6.3).
    return is_loopback(name) or name.endswith(".localhost")


class AllowedOrigins:
    """The origins of `ALLOWED_ORIGINS`.

    Args:
        texts: origins; `https://*.example.com` stands for all subdomains, `*` for everything, and
            `null` for pages that have none (from files, in sandboxes).

    Raises:
        ValueError: one of them can't be the origin of any page.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._all = self._null = False
        self._exact: set[Origin] = set()
        self._parents: set[Origin] = set()
        for text in texts:
            if text == "*":
                self._all = True
            elif text.lower() == "null":
                self._null = True
            else:
                self._add(text)

    def _add(self, text: str) -> None:
        scheme, mark, rest = text.partition("://")
        host = rest.removesuffix("/")
        any_subdomain = host.startswith(_ANY_SUBDOMAIN)
        origin = parse_origin(f"{scheme}{mark}{host.removeprefix(_ANY_SUBDOMAIN)}")
        if origin is None or "*" in origin.host or (any_subdomain and not origin.host):
            raise ValueError(
                f"{text!r} is not an origin: a scheme, a host and perhaps a port, "
                "like https://app.example.com or https://*.example.com"
            )
        (self._parents if any_subdomain else self._exact).add(origin)

    def admit(self, text: str) -> bool:
        """Tell whether an `Origin` header is that of an allowed page."""
        if self._all:
            return True
        origin = parse_origin(text)
        if origin is None:
            return self._null and text == "null"
        return origin in self._exact or (bool(self._parents) and self._is_below(origin))

    def _is_below(self, origin: Origin) -> bool:
        host = origin.host
        while "." in host:
            _, _, host = host.partition(".")
            if origin._replace(host=host) in self._parents:
                return True
        return False


def is_own_origin(text: str, host: str) -> bool:
    """Tell whether an `Origin` header is that of pages from a `Host`, whatever the scheme.

    A proxy that ends TLS may not say so, and may pass `Host` without its port.
    """
    origin, named = parse_origin(text), _parse_host(host)
    if origin is None or named is None:
        return False
    name, port = named
    if origin.host != name:
        return False
    defaults = _PORTS.values()
    return port is None or port == origin.port or (port in defaults and origin.port in defaults)
