"""The Socket.IO server: python-socketio's interface on connections and rooms of our own."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from socketio.packet import ACK, CONNECT, DISCONNECT, EVENT

from app.core.closing import Closing
from app.core.errors import HearthError, RateLimited
from app.core.rate import TokenBucket
from app.engine.server import EngineServer, Limits
from app.engine.session import Connection
from app.realtime.clients import ClientServer
from app.realtime.manager import Rooms, encode_packet
from app.realtime.packets import (
    Assembly,
    Event,
    Incoming,
    Packet,
    PacketError,
    Unreadable,
    parse,
    parse_event,
)
from app.realtime.request import Request
from app.realtime.turns import Turns
from app.transport import codec

CLOSE_SECONDS: Final = 3.0
#: So many CONNECTs of one connection count as no requests.
FREE_CONNECTS: Final = 20

log = structlog.get_logger("hearth.realtime")


class Server(ClientServer):
    """`socketio.AsyncServer` whose packets go from the event loop to the handler in one call.

    Namespaces that are `RequestHandler`s get requests; others, and plain handlers, work as in
    python-socketio, except that one connection's events are handled in the order sent.

    Args:
        manager: keeps the rooms.
        max_message_bytes: events over this are refused; frames over twice this end the connection.
        max_unsent_bytes: unsent bytes past which a connection is cut off.
        messages_per_second: events that one connection may send; 0 sets no limit.
        clock: seconds, for that.
        options: as `socketio.AsyncServer` takes them.
    """

    def __init__(
        self,
        manager: Rooms,
        max_message_bytes: int = 1_000_000,
        max_unsent_bytes: int = 1_048_576,
        messages_per_second: float = 0,
        clock: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        self._max_message_bytes = max_message_bytes
        self._messages_per_second = messages_per_second
        self._clock = clock
        limits = Limits(max_message_bytes, 2 * max_message_bytes, max_unsent_bytes)
        super().__init__(
            client_manager=manager,
            serializer=Packet,
            json=codec,
            # Else python-socketio refuses `call`, which would wait for ever in its own handlers.
            async_handlers=True,
            # Left to itself, each adds a handler of its own, which writes tracebacks to stderr.
            logger=logging.getLogger("socketio.server"),
            engineio_logger=logging.getLogger("engineio.server"),
            limits=limits,
            **options,
        )
        self.eio.events = self
        self._turns = Turns(self._work)

    def _engineio_server_class(self) -> type[EngineServer]:
        return EngineServer

    def post_event(self, sid: str, namespace: str, event: str, argument: Any) -> None:
        """Send an event to one client, if it is there, without waiting."""
        client = self.manager.client(namespace, sid)
        if client is not None:
            packet = Packet(EVENT, data=[event, argument], namespace=namespace, binary=False)
            client.connection.write(encode_packet(packet))

    def get_environ(self, sid: str, namespace: str | None = None) -> dict[str, Any] | None:
        client = self.manager.client(namespace or "/", sid)
        return client.connection.handshake.environ if client else None

    async def close_all(self) -> None:
        """Close every connection; the clients see a lost transport, and connect again.

        Handlers that are at work have `CLOSE_SECONDS` to end, and are then cancelled.
        """
        await self.eio.disconnect()
        self.eio.heartbeat.stop()
        await self._work.finish(CLOSE_SECONDS)

    async def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        connection = self.eio.sockets.get(eio_sid)
        if connection is not None:
            connection.write(encode_packet(pkt))

    # What arrives, from app.engine.session

    def on_message(self, connection: Connection, packet: str | bytes) -> None:
        """Take one message of a connection. Raises `ProtocolError` when it is no packet."""
        if isinstance(packet, bytes):
            if connection.assembly is None:
                raise PacketError("a binary frame that no packet announced")
            incoming = connection.assembly.add(packet)
            if incoming is None:
                return
            connection.assembly = None
        else:
            if connection.assembly is not None:
                raise PacketError("a text frame where an attachment is due")
            event = parse_event(packet, 1, self._max_message_bytes)
            if event is not None:
                self._on_event(connection, event)
                return
            incoming = parse(packet, 1, self._max_message_bytes)
            if incoming.attachments:
                connection.assembly = Assembly(incoming)
                return
        if incoming.type == EVENT:
            self._on_event(connection, (incoming.namespace, incoming.id, incoming.data))
        elif incoming.type == ACK:
            self._on_ack(connection, incoming)
        elif incoming.type == CONNECT:
            connection.asked += 1
            # Each has a token verified; but whoever has just come asks for several at once.
            if connection.asked > FREE_CONNECTS and self._wait_for_turn(connection) > 0:
                raise PacketError("CONNECT again and again")
            self._on_connect(connection, incoming)
        elif incoming.type == DISCONNECT:
            client = connection.clients.get(incoming.namespace)
            if client is not None:
                self._work.run(connection, self._leave(client))

    def on_closed(self, connection: Connection, closing: Closing) -> None:
        """End a connection's clients."""
        connection.assembly = None
        self.manager.counters.closed[closing.reason] += 1
        if connection.clients:
            self._work.spawn(self._end_all(connection, closing))

    def _on_event(self, connection: Connection, event: Event) -> None:
        namespace, packet_id, data = event
        client = connection.clients.get(namespace)
        if client is None:
            if not connection.entered:
                raise PacketError("an event before CONNECT")
            return  # sent before the client heard that the server ended this namespace
        error: HearthError | None = None
        if len(data) > 1 and isinstance(data[1], Unreadable):
            error = data[1].error
        handler = self._request_handlers.get(namespace)
        if handler is not None:
            if (wait := self._wait_for_turn(connection)) > 0:
                error = RateLimited(retry_after=math.ceil(wait * 1000) / 1000)
            request = Request(data, error, client, packet_id)
            self._turns.take(connection, handler, client.sid, request)
        elif error is not None:
            raise PacketError(error.message)
        else:
            self._work.run(
                connection,
                self._handle_event_internal(
                    self, client.sid, connection.sid, data, namespace, packet_id
                ),
            )

    def _wait_for_turn(self, connection: Connection) -> float:
        if self._messages_per_second <= 0:
            return 0.0
        if connection.bucket is None:
            connection.bucket = TokenBucket(self._messages_per_second)
        return connection.bucket.take(self._clock())

    def _on_ack(self, connection: Connection, incoming: Incoming) -> None:
        client = connection.clients.get(incoming.namespace)
        if client is not None:
            # Not in turn: the handler of the event before it may be waiting for it.
            self._work.spawn(self.manager.trigger_callback(client.sid, incoming.id, incoming.data))
