"""The Socket.IO server: python-socketio's interface on connections and rooms of our own."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from socketio.exceptions import ConnectionRefusedError as Refused
from socketio.packet import ACK, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT

from app.core.errors import HearthError, RateLimited
from app.core.rate import TokenBucket
from app.realtime import codec
from app.realtime.connection import Connection
from app.realtime.engine import EngineServer, Limits, close_unless_entered
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
from app.realtime.publishing import PublishingServer
from app.realtime.request import Request, RequestHandler
from app.realtime.rooms import Client, Rooms, encode_packet
from app.realtime.turns import Turns
from app.realtime.work import Work

CLOSE_SECONDS: Final = 3.0
GOODBYE_SECONDS: Final = 2.0

log = structlog.get_logger("hearth.realtime")


class Server(PublishingServer):
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
        self.manager_initialized = False
        self._work = Work()
        self._turns = Turns(self._work)
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
        self._request_handlers: dict[str, RequestHandler] = {}

    def register_namespace(self, namespace_handler: Any) -> None:
        super().register_namespace(namespace_handler)
        if isinstance(namespace_handler, RequestHandler):
            self._request_handlers[namespace_handler.namespace] = namespace_handler

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

    async def end(self, sid: str, namespace: str) -> None:
        """Disconnect a client; and close its connection, if that was its last namespace.

        Clients close it themselves once they have read that they are disconnected. Who closes at
        the same moment keeps them from reading it.
        """
        client = self.manager.client(namespace, sid)
        await self.disconnect(sid, namespace=namespace)
        if client is not None:
            asyncio.get_running_loop().call_later(
                GOODBYE_SECONDS, close_unless_entered, client.connection
            )

    async def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        connection = self.eio.sockets.get(eio_sid)
        if connection is not None:
            connection.write(encode_packet(pkt))

    # What arrives, from app.realtime.connection

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
            self._on_connect(connection, incoming)
        elif incoming.type == DISCONNECT:
            client = connection.clients.get(incoming.namespace)
            if client is not None:
                self._work.run(connection, self._end(client, self.reason.CLIENT_DISCONNECT))

    def on_closed(self, connection: Connection, reason: str) -> None:
        """End a connection's clients."""
        connection.assembly = None
        self.manager.counters.closed[reason] += 1
        if connection.clients:
            self._work.spawn(self._end_all(connection, reason))

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
            if self._messages_per_second > 0 and (wait := self._wait_for_turn(connection)) > 0:
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
        if connection.bucket is None:
            connection.bucket = TokenBucket(self._messages_per_second)
        return connection.bucket.take(self._clock())

    def _on_ack(self, connection: Connection, incoming: Incoming) -> None:
        client = connection.clients.get(incoming.namespace)
        if client is not None:
            # Not in turn: the handler of the event before it may be waiting for it.
            self._work.spawn(self.manager.trigger_callback(client.sid, incoming.id, incoming.data))

    def _on_connect(self, connection: Connection, incoming: Incoming) -> None:
        namespace = incoming.namespace
        if namespace in connection.clients:
            raise PacketError("a second CONNECT to one namespace")
        known = {"*", namespace}
        if not (
            known & self.handlers.keys()
            or known & self.namespace_handlers.keys()
            or (namespace != "/" and self.namespaces == "*")
        ):
            # Stock refuses with a string, which leaves the JS client's error without a message.
            self._refuse(connection, namespace, {"message": "Invalid namespace"})
            return
        work = self._connect(connection, namespace, incoming.data)
        if namespace in self._request_handlers:
            self._work.begin(connection, work)
        else:
            self._work.run(connection, work)

    # The life of a client

    async def _connect(self, connection: Connection, namespace: str, auth: Any) -> None:
        if not self.manager_initialized:
            self.manager_initialized = True
            self.manager.initialize()
        client = self.manager.add_client(connection, namespace)
        connection.hold_writes()  # what the handler emits comes after the reply
        refusal: Any = {"message": "Connection rejected by server"}
        try:
            accepted = await self._ask_to_connect(client, auth)
        except Refused as error:
            accepted, refusal = False, error.error_args
        except ConnectionRefusedError:
            accepted, refusal = False, {"message": "Connection refused by server"}
        except BaseException:
            accepted = False
            raise
        finally:
            if accepted is False:
                await self.manager.disconnect(client.sid, namespace, ignore_queue=True)
                reply = Packet(CONNECT_ERROR, data=refusal, namespace=namespace)
            else:
                client.connected = True
                reply = Packet(CONNECT, data={"sid": client.sid}, namespace=namespace)
            connection.release_writes(encode_packet(reply))
        if accepted is False:
            return
        if connection.closed:  # while it was connecting, so nobody has ended it
            await self._end(client, self.reason.TRANSPORT_CLOSE)
            return
        handler = self._request_handlers.get(namespace)
        if handler is not None:
            await handler.on_connected(client.sid)

    async def _ask_to_connect(self, client: Client, auth: Any) -> Any:
        handshake = client.connection.handshake
        # Ours look into it only for who brings no token in `auth`.
        environ = handshake if client.namespace in self._request_handlers else handshake.environ
        arguments = ("connect", client.namespace, client.sid, environ)
        if auth:
            return await self._trigger_event(*arguments, auth)
        try:
            return await self._trigger_event(*arguments, None)
        except TypeError as error:
            # python-socketio takes handlers without the `auth` argument too.
            try:
                return await self._trigger_event(*arguments)
            except TypeError:
                raise error from None

    def _refuse(self, connection: Connection, namespace: str, reason: dict[str, Any]) -> None:
        connection.write(encode_packet(Packet(CONNECT_ERROR, data=reason, namespace=namespace)))

    async def _end(self, client: Client, reason: str) -> None:
        if client.ending or not client.connected:
            return
        self.manager.pre_disconnect(client.sid, client.namespace)
        try:
            await self._trigger_event("disconnect", client.namespace, client.sid, reason)
        except Exception:
            log.exception("a disconnect handler failed", namespace=client.namespace)
        await self.manager.disconnect(client.sid, client.namespace, ignore_queue=True)

    async def _end_all(self, connection: Connection, reason: str) -> None:
        for client in list(connection.clients.values()):
            await self._end(client, reason)
