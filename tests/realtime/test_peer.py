"""What a connection's packets become, and which of them wait for no request."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.closing import Closing
from app.realtime.client import Client
from app.realtime.packets import PacketError
from app.realtime.peer import Peer
from app.transport.rate_limit import RateLimit
from app.transport.work import Work
from tests.support.session import new_session

PLACE = '{"_placeholder":true,"num":0}'


class Server:
    """Remembers what peers ask of it; everybody who connects is let in."""

    max_message_bytes = 100

    def __init__(self) -> None:
        self.rate_limit = RateLimit(0, lambda: 0.0)
        self.work = Work()
        self.asked: list[Any] = []

    def connect(self, peer: Peer, namespace: str, auth: Any) -> None:
        self.asked.append(("connect", namespace, auth))
        peer.clients[namespace] = Client("sid~", namespace, peer.session, peer.clients)
        peer.session.admit()

    def leave(self, client: Client) -> None:
        self.asked.append(("leave", client.namespace))
        client.detach()

    def dispatch(self, client: Client, data: list[Any], ack_id: int | None) -> None:
        self.asked.append((client.namespace, ack_id, data))

    def acknowledge(self, client: Client, ack_id: int | None, data: Any) -> None:
        self.asked.append(("ack", ack_id, data))

    def on_flood(self, peer: Peer) -> None:
        self.asked.append("flood")

    def on_peer_closed(self, peer: Peer, closing: Closing) -> None:
        self.asked.append(closing)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def peer(server: Server) -> Peer:
    """A client of `/chat`."""
    session = new_session()
    peer = Peer(session, server)
    session.attach(peer)
    session.receive("40/chat,")
    server.asked.clear()
    return peer


def test_packets_are_handed_on_as_what_they_ask_for(server: Server, peer: Peer) -> None:
    for packet in ('42/chat,7["a",1]', "43/chat,1[2]", "41/chat,", '40/chat,{"token":"t"}'):
        peer.session.receive(packet)
    peer.session.close(Closing.TRANSPORT_CLOSE)
    assert server.asked == [
        ("/chat", 7, ["a", 1]),
        ("ack", 1, [2]),
        ("leave", "/chat"),
        ("connect", "/chat", {"token": "t"}),
        Closing.TRANSPORT_CLOSE,
    ]


def test_what_meets_the_end_of_its_namespace_reaches_nobody(server: Server, peer: Peer) -> None:
    for packet in ('42/other,["a"]', "43/other,1[]", "41/other,"):
        peer.session.receive(packet)
    assert server.asked == []


def test_answers_overtake_a_request_as_a_whole_and_events_do_not(
    server: Server, peer: Peer
) -> None:
    """A handler may be waiting for the answer."""
    session = peer.session
    session.hold_requests()
    for packet in (f'451-/chat,["a",{PLACE}]', b"event's", "43/chat,1[]"):
        session.receive(packet)
    assert server.asked == [("ack", 1, [])]
    session.receive(f"461-/chat,2[{PLACE}]")
    session.go_on()
    assert len(server.asked) == 1  # the event would come between the answer's pieces
    session.receive(b"answer's")
    assert server.asked[1:] == [("ack", 2, [b"answer's"]), ("/chat", None, ["a", b"event's"])]


@pytest.mark.parametrize(
    "packets",
    [
        [f'451-/chat,["a",{PLACE}]', '42/chat,["b"]'],
        [b"unannounced"],
        ["40/chat,"],
        ['42/chat,["a","' + "x" * 100 + '"]'],
        ["4"],
    ],
    ids=str,
)
def test_what_breaks_the_protocol_is_an_error(peer: Peer, packets: list[str | bytes]) -> None:
    *before, last = packets
    for packet in before:
        peer.session.receive(packet)
    with pytest.raises(PacketError):
        peer.session.receive(last)


def test_an_event_before_connect_is_an_error(server: Server) -> None:
    peer = Peer(new_session(), server)
    with pytest.raises(PacketError):
        peer.on_message('42/chat,["a"]')
