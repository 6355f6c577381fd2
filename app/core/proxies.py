"""Proxies in front of the server: which of them are believed when they say who has asked.

Anybody can write `X-Forwarded-For`. What a trusted proxy has written there is the address that it
was asked from; what stands before that it was told. So the right-most address that is no trusted
proxy's is the client's.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple

#: Stands for the networks below, and for who comes by a Unix socket.
PRIVATE: Final = "private"
_PRIVATE_NETWORKS: Final = (
    *("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    *("169.254.0.0/16", "fe80::/10"),
    "100.64.0.0/10",  # RFC 6598: routers of hosting platforms
)
_CACHED: Final = 1024
#: Addresses that are looked at, from the right: no chain of proxies is so long.
_MOST_HOPS: Final = 20
_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network


class Forwarded(NamedTuple):
    """What the headers of a request say that proxies have said; empty where they don't.

    Args:
        client: `X-Forwarded-For`, all of them.
        scheme: `X-Forwarded-Proto`.
        host: `X-Forwarded-Host`.
    """

    client: str = ""
    scheme: str = ""
    host: str = ""


class Source(NamedTuple):
    """Where a request comes from, as far as it is believed.

    Args:
        address: the client's.
        scheme: what the client asked by; None where no trusted proxy says.
        host: what the client asked for; None where no trusted proxy says.
        disbelieved: whether who isn't trusted says that it asks for others.
    """

    address: str
    scheme: str | None = None
    host: str | None = None
    disbelieved: bool = False


class TrustedProxies:
    """The proxies that are believed.

    Args:
        names: addresses, networks, and `PRIVATE`.

    Raises:
        ValueError: one is none of these.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        names = tuple(names)
        self._unix = PRIVATE in names
        texts = [one for one in names if one != PRIVATE] + list(_PRIVATE_NETWORKS * self._unix)
        self._networks: list[_Network] = [ip_network(text) for text in texts]
        self.trusts = lru_cache(_CACHED)(self._trusts)

    def source(self, peer: str, forwarded: Forwarded) -> Source:
        """Return where a request comes from.

        Args:
            peer: the other end's address; empty for a Unix socket's.
        """
        if forwarded == _NOTHING:
            return Source(peer)
        if not self.trusts(peer):
            return Source(peer, disbelieved=True)
        scheme, host = _first(forwarded.scheme).lower(), _first(forwarded.host)
        return Source(self._client(peer, forwarded.client), _SCHEMES.get(scheme), host or None)

    def _client(self, peer: str, forwarded: str) -> str:
        client = peer
        for hop in reversed(forwarded.rsplit(",", _MOST_HOPS)[-_MOST_HOPS:]):
            address = _parse(_without_port(hop.strip()))
            if address is None:  # the last proxy before it is all that is known
                break
            client = str(address)
            if not self.trusts(client):
                break
        return client

    def _trusts(self, text: str) -> bool:
        if not text:
            return self._unix
        address = _parse(text)
        return address is not None and any(address in network for network in self._networks)


_NOTHING: Final = Forwarded()


def _first(values: str) -> str:
    return values.partition(",")[0].strip()


def _without_port(text: str) -> str:
    """Return an address without the port that some proxies write behind it."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _parse(text: str) -> _Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
