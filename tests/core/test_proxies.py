"""Which proxies are believed, and whom they say has asked."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.proxies import Forwarded, Source, TrustedProxies

LB, EDGE, STRANGER = "10.0.0.1", "10.0.0.2", "203.0.113.7"
trusted = TrustedProxies(["10.0.0.0/24"])


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.7", STRANGER),
        ("203.0.113.7, 10.0.0.2", STRANGER),
        ("203.0.113.7,10.0.0.2,10.0.0.1", STRANGER),
        ("127.0.0.1, 203.0.113.7", STRANGER),  # what a stranger has written comes first
        ("10.0.0.9, 203.0.113.7, 10.0.0.2", STRANGER),
        ("203.0.113.7:50123", STRANGER),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:50123", "2001:db8::1"),
        ("::ffff:203.0.113.7", STRANGER),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("unknown, 10.0.0.2", EDGE),
        ("203.0.113.7, unknown", LB),
        ("", LB),
        (",,", LB),
        (",".join(["10.0.0.2"] * 5000), EDGE),
    ],
)
def test_the_client_is_the_last_that_is_no_trusted_proxy(forwarded: str, client: str) -> None:
    assert trusted.source(LB, Forwarded(forwarded, "https")).address == client


def test_a_stranger_is_believed_nothing() -> None:
    source = trusted.source(STRANGER, Forwarded("127.0.0.1", "https", "app.example.com"))
    assert source == Source(STRANGER, disbelieved=True)
    for nobody in (TrustedProxies(), TrustedProxies(["192.0.2.1"])):
        assert nobody.source("127.0.0.1", Forwarded("192.0.2.1")).disbelieved


def test_a_trusted_proxy_says_how_and_by_which_name_the_client_has_asked() -> None:
    source = trusted.source(LB, Forwarded(STRANGER, "HTTPS, http", "app.example.com, lb.internal"))
    assert source == Source(STRANGER, "https", "app.example.com")
    assert trusted.source(LB, Forwarded(STRANGER, "gopher")).scheme is None
    assert trusted.source(LB, Forwarded()) == Source(LB)


@pytest.mark.parametrize(
    "peer",
    [
        *("127.0.0.1", "::1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "fd00::1", "fe80::1"),
        *("::ffff:10.1.2.3", "100.64.0.1", ""),
    ],
)
def test_private_is_every_private_network_and_the_unix_socket(peer: str) -> None:
    assert TrustedProxies(["private"]).trusts(peer)
    assert not TrustedProxies(["192.0.2.1"]).trusts(peer)


@pytest.mark.parametrize("peer", ["8.8.8.8", "172.32.0.1", "2001:db8::1", "nobody", "100.128.0.1"])
def test_and_no_other(peer: str) -> None:
    assert not TrustedProxies(["private"]).trusts(peer)


@pytest.mark.parametrize("name", ["", "localhost", "10.0.0.1/8", "10.0.0.0/33", "*", "Private"])
def test_what_is_no_address_is_said_so(name: str) -> None:
    with pytest.raises(ValueError, match=re.escape(name or "''")):
        TrustedProxies([name])


@given(st.lists(st.one_of(st.ip_addresses().map(str), st.text(max_size=12)), max_size=8))
def test_whatever_a_stranger_writes_it_is_known_by_its_own_address(written: list[str]) -> None:
    """The proxy that it asks adds its address behind what it was sent."""
    forwarded = Forwarded(", ".join([*written, STRANGER]))
    assert trusted.source(LB, forwarded).address == STRANGER
