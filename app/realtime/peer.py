"""The peer: the other end of an Engine.IO session, as Socket.IO sees it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol

from socketio.packet import ACK, CONNECT, DISCONNECT, EVENT

from app.core.closing import Closing
from app.core.errors import HearthError
from app.engine.session import EngineSession
from app.realtime.client import Client, Request
from app.realtime.packets import (
    Assembly,
    Event,
    Incoming,
    PacketError,
    Unreadable,
    parse,
    parse_event,
)
from app.realtime.pipeline import Pipeline
from app.transport.rate_limit import RateLimit
from app.transport.work import Work

#: CONNECTs of one connection that don't count as requests.
FREE_CONNECTS: Final = 20


class PeerServer(Protocol):
    """The server of peers, as they know it."""

    max_message_bytes: int
    rate_limit: RateLimit
    work: Work

    def connect(self, peer: Peer, namespace: str, auth: Any) -> None:
        """A client asks to enter a namespace."""

    def leave(self, client: Client) -> None:
        """A client leaves its namespace."""

    def dispatch(self, client: Client, data: list[Any], ack_id: int | None) -> None:
        """An event has arrived for python-socketio's own handlers."""

    def acknowledge(self, client: Client, ack_id: int | None, data: Any) -> None:
        """A client has acknowledged an event."""

    def on_flood(self, peer: Peer) -> None:
        """A connection sends more than its intake; it isn't read for a moment."""

    def on_peer_closed(self, peer: Peer, closing: Closing) -> None:
        """A connection is closed."""


class Peer:
    """The clients of one connection, and the reader of its packets; see `SessionHandler`."""

    __slots__ = ("_assembly", "_connects", "_pipeline", "_server", "clients", "session")

    def __init__(self, session: EngineSession, server: PeerServer) -> None:
        self.session = session
        self.clients: dict[str, Client] = {}
        self._server = server
        self._assembly: Assembly | None = None
        self._connects = 0
        self._pipeline = Pipeline(session, server.work)
        server.rate_limit.begin(session)

    # What arrives

    @property
    def assembling(self) -> bool:
        return self._assembly is not None

    def overtakes(self, message: str | bytes) -> bool:
        # Acknowledgements are no requests: a handler may be waiting for this one. A packet that is
        # assembled while a handler runs is one too: an event would have been queued.
        return self._assembly is not None or (
            isinstance(message, str) and message.startswith(("43", "46"))
        )

    def on_message(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            incoming = self._add_attachment(message)
        else:
            if self._assembly is not None:
                raise PacketError("a text frame where an attachment is due")
            event = parse_event(message, 1, self._server.max_message_bytes)
            if event is not None:
                self._on_event(event)
                return
            incoming = parse(message, 1, self._server.max_message_bytes)
            if incoming.attachments:
                if not self.session.admitted:
                    raise PacketError("attachments before CONNECT")
                self._assembly = Assembly(incoming, 2 * self._server.max_message_bytes)
                return
        if incoming is not None:
            self._on_packet(incoming)

    def on_flood(self) -> None:
        self._server.on_flood(self)

    def on_closed(self, closing: Closing) -> None:
        self._assembly = None
        self._server.on_peer_closed(self, closing)

    def _add_attachment(self, data: bytes) -> Incoming | None:
        if self._assembly is None:
            raise PacketError("a binary frame that no packet announced")
        incoming = self._assembly.add(data)
        if incoming is not None:
            self._assembly = None
        return incoming

    def _on_packet(self, packet: Incoming) -> None:
        client = self.clients.get(packet.namespace)
        if packet.type == EVENT:
            event = (packet.namespace, packet.id, packet.data)
            first = packet.data[1] if len(packet.data) > 1 else None
            self._on_event(event, first.error if isinstance(first, Unreadable) else None)
        elif packet.type == ACK:
            if client is not None:
                self._server.acknowledge(client, packet.id, packet.data)
        elif packet.type == CONNECT:
            self._on_connect(packet)
        elif packet.type == DISCONNECT and client is not None:
            self._server.leave(client)

    def _on_connect(self, packet: Incoming) -> None:
        self._connects += 1
        if self._connects <= FREE_CONNECTS:
            self.session.intake.give_back()
        # Each costs the verification of a token; but new connections enter several namespaces.
        refusal = self._server.rate_limit.refusal
        if self._connects > FREE_CONNECTS and refusal(self.session) is not None:
            raise PacketError("CONNECT again and again")
        if packet.namespace in self.clients:
            raise PacketError("a second CONNECT to one namespace")
        self._server.connect(self, packet.namespace, packet.data)

    def _on_event(self, event: Event, error: HearthError | None = None) -> None:
        namespace, ack_id, data = event
        client = self.clients.get(namespace)
        if client is None:
            if not self._connects:
                raise PacketError("an event before CONNECT")
            return  # sent before the client learned that the server disconnected it
        handler = client.handler
        if handler is not None:
            if self.session.bucket is not None:
                error = self._server.rate_limit.refusal(self.session) or error
            self._pipeline.submit(handler, Request(data, error, client, ack_id))
        elif error is not None:
            raise PacketError(error.message)
        else:
            self._server.dispatch(client, data, ack_id)


class Nobody:
    """The handler of a closed session. Without its peer, which refers to it, it is freed at once,
    and not when the garbage collector comes."""

    __slots__ = ()

    #: As a peer has them.
    clients: Mapping[str, Client] = MappingProxyType({})
    assembling = False

    def overtakes(self, message: str | bytes) -> bool:
        return False

    def on_message(self, message: str | bytes) -> None: ...

    def on_flood(self) -> None: ...

    def on_closed(self, closing: Closing) -> None: ...


NOBODY: Final = Nobody()
