"""Quotas of identities and addresses, whatever their connections are."""

from __future__ import annotations

import pytest

from app.core.closing import Closing
from app.core.errors import TooManyConnections, TooManyRequests
from app.hub.quotas import SERVICE_FACTOR, QuotaOptions, Quotas
from tests.support.clock import SettableClock
from tests.support.members import Nowhere
from tests.support.messages import somebody

ALICE, AGENT = somebody("alice"), somebody("alice", "agent")


class At(Nowhere):
    """A connection from an address."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    @property
    def address(self) -> str:
        return self._address


def admitted(quotas: Quotas, addresses: list[str]) -> list[str]:
    """Open a connection from each, and return those that there was room for."""
    let_in = []
    for address in addresses:
        if quotas.has_room(address):
            quotas.on_opened(At(address))
            let_in.append(address)
    return let_in


def test_an_address_has_so_many_connections() -> None:
    quotas = Quotas(QuotaOptions(connections_per_address=2))
    assert admitted(quotas, ["10.0.0.1"] * 3 + ["10.0.0.2"]) == ["10.0.0.1"] * 2 + ["10.0.0.2"]


def test_a_network_of_ipv6_counts_as_one_address() -> None:
    quotas = Quotas(QuotaOptions(connections_per_address=2))
    same = ["2001:db8::1", "2001:db8::ffff:1", "2001:0db8:0:0:1::"]
    assert admitted(quotas, [*same, "2001:db8:0:1::1"]) == [*same[:2], "2001:db8:0:1::1"]


def test_who_has_no_address_is_not_counted() -> None:
    quotas = Quotas(QuotaOptions(connections_per_address=1))
    assert admitted(quotas, [""] * 3) == [""] * 3


def test_kinds_are_identities_of_their_own() -> None:
    quotas = Quotas(QuotaOptions(connections_per_identity=1))
    quotas.enter(Nowhere(), ALICE)
    quotas.enter(Nowhere(), AGENT)
    with pytest.raises(TooManyConnections):
        quotas.enter(Nowhere(), ALICE)


def test_a_connection_of_several_identities_counts_for_each_until_it_is_closed() -> None:
    quotas = Quotas(QuotaOptions(connections_per_identity=1))
    both = Nowhere()
    for _number in range(2):
        quotas.enter(both, ALICE)
        quotas.enter(both, AGENT)
    for identity in (ALICE, AGENT):
        with pytest.raises(TooManyConnections):
            quotas.enter(Nowhere(), identity)
    quotas.on_closed(both)
    quotas.on_closed(both)  # nothing is counted twice
    for identity in (ALICE, AGENT):
        quotas.enter(Nowhere(), identity)
        with pytest.raises(TooManyConnections):
            quotas.enter(Nowhere(), identity)


def test_a_connection_that_was_closed_meanwhile_counts_for_nobody() -> None:
    quotas = Quotas(QuotaOptions(connections_per_identity=1))
    closed = Nowhere()
    closed.close(Closing.TRANSPORT_CLOSE)
    quotas.enter(closed, ALICE)
    quotas.enter(Nowhere(), ALICE)


def test_agents_have_more() -> None:
    quotas = Quotas(QuotaOptions(per_identity=5), clock=SettableClock())
    for identity, budget in ((ALICE, 5), (AGENT, 5 * SERVICE_FACTOR)):
        connection = Nowhere()
        share = quotas.enter(connection, identity)
        assert share is not None
        for _number in range(budget):
            if not share.spend():
                quotas.draw(share, connection)
        assert not share.spend()
        with pytest.raises(TooManyRequests) as refused:
            quotas.draw(share, connection)
        assert refused.value.whose == identity.key


def test_without_limits_nothing_is_kept() -> None:
    quotas = Quotas(QuotaOptions())
    assert quotas.enter(Nowhere(), ALICE) is None
    assert len(quotas._book) == 0
    assert quotas.told(ALICE) == {
        "messages_per_second": 0,
        "messages_per_second_per_identity": 0,
    }
