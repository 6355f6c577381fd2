"""Limits that hold over connections and processes: what one identity, or one address, may have."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import IPv6Address
from typing import Final, NamedTuple

from app.broker.memory_tallies import MemoryTallies
from app.broker.tallies import Tallies
from app.core.errors import (
    TooManyConnections,
    TooManyRequests,
    Unavailable,
)
from app.core.identity import Identity
from app.core.quota import RETRY_SECONDS, Quota, Share, Tally
from app.core.quota_book import QuotaBook
from app.tasks import Tasks
from app.transport.connection import Connection

#: How often processes tell each other. Who has just come is answered, so what it has open elsewhere
#: is known after twice that.
TELL_SECONDS: Final = 0.4
#: Quotas that are told of at a time.
TOLD_AT_ONCE: Final = 500
#: Messages that a request over an identity's budget counts as, in what its connection may send:
#: refusals are answers, and many connections together would have many.
REFUSAL_COST: Final = 10
#: Agents and services speak for many.
SERVICE_FACTOR: Final = 20
# Of the connections that are admitted. Who has fewer in each process is known to those alone that
# it has connections to, for there are as many identities as people.
_HEAVY_PART: Final = 0.1
# Of an IPv6 address; whoever has one has all the others of its network too.
_NETWORK_BYTES: Final = 8


class QuotaOptions(NamedTuple):
    """The limits; 0 sets none.

    Args:
        connections_per_identity, connections_per_address: to all processes.
        per_identity: requests a second of one identity, on all of its connections to all processes;
            of an agent or a service `SERVICE_FACTOR` times that.
        per_connection, per_agent: requests a second of one connection, and of one whose identity is
            an agent or a service.
    """

    connections_per_identity: int = 0
    connections_per_address: int = 0
    per_identity: float = 0
    per_connection: float = 0
    per_agent: float = 0


class Quotas:
    """Admits connections and requests within the limits of their identity and their address.

    It decides at once, by what is open and used here and by what the other processes have told. Who
    is in stays in. Strangers have no quota but their address's.

    Args:
        clock: seconds of any origin.
    """

    def __init__(
        self,
        options: QuotaOptions | None = None,
        tallies: Tallies | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options = options or QuotaOptions()
        self._tallies = tallies or MemoryTallies()
        self._clock = clock
        self._service_budget = options.per_identity * SERVICE_FACTOR
        self._of_identities = options.connections_per_identity > 0 or options.per_identity > 0
        self._book = QuotaBook()
        self._shares: dict[Connection, Share] = {}
        self._addresses: dict[Connection, Quota] = {}
        self._tasks = Tasks("quotas")

    def start(self) -> None:
        """Tell other processes, and hear of them, from now on."""
        if self._of_identities or self._options.connections_per_address > 0:
            self._tallies.start(self)
            self._tasks.add(self._tell_for_ever())

    async def close(self) -> None:
        """Stop, and have other processes forget what this one had."""
        if self._tasks:
            await self._tasks.cancel()
            self._tallies.close()

    # Identities

    def enter(
        self, connection: Connection, identity: Identity, instead_of: Connection | None = None
    ) -> Share | None:
        """Count a connection as one of an identity; once, however often it enters. Its own rate is
        that of the identity's kind from then on.

        Args:
            instead_of: the connection that is closed because of this one.

        Returns:
            What its requests are counted by: `Share.spend`, or else `draw`. None: they needn't be.

        Raises:
            TooManyConnections: the identity has enough.
        """
        if identity.kind != "user":
            connection.limit_rate(self._options.per_agent)
        if identity.stranger or not self._of_identities or connection.closed:
            return None
        key = identity.key
        share = self._share(connection, key)
        if share is None:
            most = self._options.connections_per_identity
            leaves = instead_of is not None and self._share(instead_of, key) is not None
            if 0 < most <= self._book.total(key) - leaves:
                raise TooManyConnections(key, retry_after=RETRY_SECONDS)
            now = self._clock()
            quota = self._book.enter(key, self._budget(identity), now, _heavy_from(most))
            share = Share(quota, now, self._shares.get(connection))
            self._shares[connection] = share
        return share if share.quota.rate > 0 else None

    def draw(self, share: Share, connection: Connection) -> None:
        """Count a request for which a share has nothing to spend. Raises `TooManyRequests`."""
        wait = share.draw(self._clock())
        if wait > 0:
            connection.intake.charge(REFUSAL_COST)
            raise TooManyRequests(share.quota.name, retry_after=math.ceil(wait * 1000) / 1000)

    def told(self, identity: Identity) -> dict[str, float]:
        """Return the limits that a client of this identity keeps to by itself, by name."""
        return {
            "messages_per_second": self._rate(identity),
            "messages_per_second_per_identity": self._budget(identity),
        }

    def _rate(self, identity: Identity) -> float:
        options = self._options
        return options.per_connection if identity.kind == "user" else options.per_agent

    def _budget(self, identity: Identity) -> float:
        if identity.stranger:
            return 0.0
        return self._options.per_identity if identity.kind == "user" else self._service_budget

    def _share(self, connection: Connection, name: str) -> Share | None:
        share = self._shares.get(connection)
        while share is not None and share.quota.name != name:
            share = share.other
        return share

    # Connections: see `ConnectionCounter`

    def has_room(self, address: str) -> bool:
        most = self._options.connections_per_address
        return most <= 0 or not address or self._book.total(_network(address)) < most

    def on_opened(self, connection: Connection) -> None:
        if self._options.connections_per_address > 0 and (address := connection.address):
            heavy_from = _heavy_from(self._options.connections_per_address)
            quota = self._book.enter(_network(address), 0.0, self._clock(), heavy_from)
            self._addresses[connection] = quota

    def on_closed(self, connection: Connection) -> None:
        now = self._clock()
        share = self._shares.pop(connection, None)
        while share is not None:
            share.give_back()
            self._book.leave(share.quota, now)
            share = share.other
        if (quota := self._addresses.pop(connection, None)) is not None:
            self._book.leave(quota, now)

    # Other processes: see `TallyEvents`

    def on_tallies(self, process: str, tallies: Mapping[str, Tally]) -> None:
        self._book.hear(process, tallies, self._clock())

    def on_gone(self, process: str) -> None:
        self._book.forget(process, self._clock())

    def on_anew(self, process: str) -> None:
        self._book.forget(process, self._clock())
        self._book.tell_heavy()

    def on_missed(self) -> None:
        self._book.begin_anew(self._clock())

    async def _tell_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            with suppress(Unavailable):  # they are told everything once they can be
                await self._tallies.tell(self._book.tallies(TOLD_AT_ONCE, self._clock()))


def _heavy_from(most: int) -> int:
    """Return from how many connections to one process on all processes remember them."""
    return max(1, int(most * _HEAVY_PART)) if most > 0 else 0


def _network(address: str) -> str:
    """Return the name of an address's quota; one for each network of IPv6."""
    try:
        network = IPv6Address(address).packed[:_NETWORK_BYTES].hex()
    except ValueError:  # of IPv4
        network = address
    return f"address:{network}"
