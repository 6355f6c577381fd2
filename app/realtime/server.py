"""The Socket.IO server: stock python-socketio, with our requests, refusals and clean endings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import socketio
import structlog
from engineio.packet import MESSAGE
from engineio.packet import Packet as EnginePacket
from socketio.packet import ACK, CONNECT_ERROR, EVENT

from app.core.errors import HearthError
from app.realtime import codec
from app.realtime.engine import EngineServer
from app.realtime.packets import PacketError, Unreadable, packet_class

log = structlog.get_logger("hearth.realtime")


@dataclass(slots=True)
class Request:
    """One event from a client.

    Args:
        event: its name, as the client wrote it.
        args: what came with it.
        error: why `args` could not be read, or None.
    """

    event: str
    args: Sequence[Any]
    error: HearthError | None
    _server: Server
    _eio_sid: str
    _namespace: str
    _ack_id: int | None

    @property
    def wants_ack(self) -> bool:
        """Whether the client waits for an answer, and hasn't got one yet."""
        return self._ack_id is not None

    def reply(self, answer: dict[str, Any]) -> None:
        """Acknowledge the event, once; it is on its way when this returns."""
        if self._ack_id is not None:
            packet = self._server.packet_class(
                ACK, data=[answer], namespace=self._namespace, id=self._ack_id, binary=False
            )
            self._ack_id = None
            self._server.post(self._eio_sid, packet)


@runtime_checkable
class RequestHandler(Protocol):
    """A namespace that takes its clients' events as requests rather than by `on_…` methods."""

    async def on_connected(self, sid: str) -> None:
        """The client has its CONNECT reply: what is sent from here comes after it."""

    async def on_request(self, sid: str, request: Request) -> None:
        """Handle one event; the connection's next one waits until this returns."""


class Server(socketio.AsyncServer):  # type: ignore[misc]
    """`socketio.AsyncServer` for namespaces that are `RequestHandler`s; others work as ever.

    Args:
        manager: keeps the rooms.
        max_message_bytes: events over this are refused; frames over twice this end the connection.
        options: as `socketio.AsyncServer` takes them.
    """

    def __init__(self, manager: Any, max_message_bytes: int, **options: Any) -> None:
        super().__init__(
            client_manager=manager,
            async_mode="aiohttp",
            serializer=packet_class(max_message_bytes),
            json=codec,
            async_handlers=False,  # one connection's requests are handled in the order sent
            max_http_buffer_size=2 * max_message_bytes,
            **options,
        )

    def _engineio_server_class(self) -> type[EngineServer]:
        return EngineServer

    def post(self, eio_sid: str, packet: Any) -> None:
        """Queue a Socket.IO packet without attachments for one connection, if it is still there."""
        self.post_encoded([eio_sid], packet.encode())

    def post_encoded(self, eio_sids: Sequence[str], text: str) -> None:
        """Queue one encoded packet for several connections."""
        packet = EnginePacket(MESSAGE, text)
        for eio_sid in eio_sids:
            socket = self.eio.sockets.get(eio_sid)
            if socket is not None and not socket.closed:
                socket.queue.put_nowait(packet)

    def post_event(self, sid: str, namespace: str, event: str, argument: Any) -> None:
        """Queue an event for one member."""
        eio_sid = self.manager.eio_sid_from_sid(sid, namespace)
        if eio_sid is not None:
            self.post(
                eio_sid,
                self.packet_class(EVENT, data=[event, argument], namespace=namespace, binary=False),
            )

    async def close_all(self) -> None:
        """Close every connection; the clients see a lost transport, and connect again."""
        await self.eio.close_all(self.reason.SERVER_DISCONNECT)
        await self.shutdown()

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        # Stock logs a traceback per bad packet and goes on; the protocol says to close.
        socket = self.eio.sockets.get(eio_sid)
        if socket is None or socket.closing:
            return  # read already when the frame before it ended the connection
        try:
            if not isinstance(data, bytes if eio_sid in self._binary_packet else str) or data == "":
                raise PacketError("a text frame where an attachment was due, or the reverse")
            await super()._handle_eio_message(eio_sid, data)
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            log.info("closed a connection that sent no Socket.IO packet", reason=str(error))
            await self._close(eio_sid)

    async def _close(self, eio_sid: str) -> None:
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None:
            await socket.close(wait=False, reason=self.reason.TRANSPORT_ERROR)
            socket.queue.put_nowait(None)

    async def _handle_connect(self, eio_sid: str, namespace: str, data: Any) -> None:
        handler = self.namespace_handlers.get(namespace)
        if handler is None and namespace not in self.handlers:
            # Stock refuses with a string, which leaves the JS client's error without a message.
            packet = self.packet_class(
                CONNECT_ERROR, data={"message": "Invalid namespace"}, namespace=namespace
            )
            self.post(eio_sid, packet)
            return
        if self.manager.sid_from_eio_sid(eio_sid, namespace) is not None:
            raise PacketError("a second CONNECT to one namespace")
        try:
            await super()._handle_connect(eio_sid, namespace, data)
        except Exception:
            # Stock would keep a member that is for ever about to connect.
            sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
            await self.manager.disconnect(sid, namespace, ignore_queue=True)
            raise
        sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
        if isinstance(handler, RequestHandler) and self.manager.is_connected(sid, namespace):
            await handler.on_connected(sid)

    async def _handle_event(
        self, eio_sid: str, namespace: str, ack_id: int | None, data: list[Any]
    ) -> None:
        # Stock ignores events of who never connected. Who has other namespaces may have sent this
        # before it heard that the server ended this one.
        namespaces = [namespace, *self.manager.get_namespaces()]
        if not any(self.manager.sid_from_eio_sid(eio_sid, one) for one in namespaces):
            raise PacketError("an event before CONNECT")
        await super()._handle_event(eio_sid, namespace, ack_id, data)

    async def _handle_event_internal(
        self,
        server: Server,
        sid: str,
        eio_sid: str,
        data: list[Any],
        namespace: str,
        ack_id: int | None,
    ) -> None:
        handler = self.namespace_handlers.get(namespace)
        event, *args = data
        error = args[0].error if args and isinstance(args[0], Unreadable) else None
        if isinstance(handler, RequestHandler):
            request = Request(event, args, error, self, eio_sid, namespace, ack_id)
            await handler.on_request(sid, request)
        elif error is not None:
            raise PacketError(error.message)
        else:
            await super()._handle_event_internal(server, sid, eio_sid, data, namespace, ack_id)
