"""The Socket.IO server: python-socketio's interface on connections and rooms of our own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

import socketio

from app.core.closing import Closing
from app.core.counters import Counters
from app.core.refused import Refusal, Refused
from app.engine.server import EngineServer
from app.engine.session import EngineSession
from app.realtime.client import Client
from app.realtime.lifecycle import ClientNamespace, Lifecycle
from app.realtime.manager import Manager
from app.realtime.packets import Packet, encode_packet
from app.realtime.peer import Peer
from app.transport import codec
from app.transport.connection_counter import ConnectionCounter, Uncounted
from app.transport.limits import Limits
from app.transport.rate_limit import RateLimit
from app.transport.refusals import Refusals
from app.transport.work import Work

CLOSE_SECONDS: Final = 3.0


class Publisher(Protocol):
    """The publisher of what the server emits into channels."""

    async def publish(self, emit: dict[str, Any]) -> bool:
        """Publish an emit, in the form in which managers write it to Redis.

        Returns:
            False: it is not for channels, and nothing was published.
        """


class ServerOptions(NamedTuple):
    """The limits of connections.

    Args:
        max_message_bytes: larger events are refused; frames over twice this close the connection.
        max_unsent_bytes: unsent bytes past which a connection is a slow consumer, and cut off.
        messages_per_second: events that one connection may send; 0 sets no limit.
    """

    max_message_bytes: int = 1_000_000
    max_unsent_bytes: int = 1_048_576
    messages_per_second: float = 0


class Server(socketio.AsyncServer):  # type: ignore[misc]
    """`socketio.AsyncServer` whose packets go from the event loop to the handler in one call.

    Events of a `ClientNamespace` are requests; others, and plain handlers, work as in
    python-socketio, except that one connection's events are handled in the order sent.

    Args:
        manager: keeps clients and rooms.
        publisher: publishes what is emitted into channels; None if there are none.
        counters: for metrics.
        clock: seconds of any origin, for the rate limit.
        refusals: told of clients that aren't admitted.
        counter: counts connections.
        stock: options of `socketio.AsyncServer`.
    """

    manager: Manager
    eio: EngineServer

    def __init__(
        self,
        manager: Manager,
        options: ServerOptions | None = None,
        publisher: Publisher | None = None,
        counters: Counters | None = None,
        clock: Callable[[], float] = time.monotonic,
        refusals: Refusals | None = None,
        counter: ConnectionCounter | None = None,
        **stock: Any,
    ) -> None:
        options = options or ServerOptions()
        self.manager_initialized = False
        self.max_message_bytes = options.max_message_bytes
        self.rate_limit = RateLimit(options.messages_per_second, clock)
        self.work = Work()
        self._publisher = publisher
        self._counters = counters or Counters()
        self._refusals = refusals or Refusals(self._counters)
        self._lifecycle = Lifecycle(manager, self, self.work, self._refusals)
        most_bytes = options.max_message_bytes
        super().__init__(
            client_manager=manager,
            serializer=Packet,
            json=codec,
            # Else python-socketio refuses `call`, as its own handlers would block its answer.
            async_handlers=True,
            # By default each adds a handler that writes tracebacks to stderr.
            logger=logging.getLogger("socketio.server"),
            engineio_logger=logging.getLogger("engineio.server"),
            limits=Limits(
                most_bytes,
                2 * most_bytes,
                options.max_unsent_bytes,
                options.messages_per_second,
            ),
            counter=counter or Uncounted(),
            **stock,
        )
        self.eio.start(self._accept)

    def _engineio_server_class(self) -> type[EngineServer]:
        return EngineServer

    def register_namespace(self, namespace_handler: Any) -> None:
        super().register_namespace(namespace_handler)
        if isinstance(namespace_handler, ClientNamespace):
            self._lifecycle.add_namespace(namespace_handler)

    # What python-socketio and applications call

    async def emit(
        self,
        event: str,
        data: Any = None,
        to: Any = None,
        room: Any = None,
        skip_sid: Any = None,
        namespace: str | None = None,
        callback: Any = None,
        ignore_queue: bool = False,
    ) -> None:
        """Emit as python-socketio does; an emit into a channel publishes a message there.

        Raises:
            SchemaError: no schema accepts an emit into a channel; nothing was published.
            Unavailable: the broker, or the other processes, can't be reached.
        """
        room = to or room
        if self._publisher is not None:
            emit = {
                "event": event,
                "data": list(data) if isinstance(data, tuple) else [data],
                "namespace": namespace,
                "room": room,
                "binary": Packet.data_is_binary(data),
                "skip_sid": skip_sid,
                "callback": callback,
            }
            if await self._publisher.publish(emit):
                room = self.manager.sids_apart(namespace or "/", room)
                if not room:
                    return
        await super().emit(
            event,
            data,
            room=room,
            skip_sid=skip_sid,
            namespace=namespace,
            callback=callback,
            ignore_queue=ignore_queue,
        )

    async def disconnect(
        self, sid: str, namespace: str | None = None, ignore_queue: bool = False
    ) -> None:
        """Disconnect as python-socketio does; the client's session is over."""
        client = self.manager.client(namespace or "/", sid)
        if client is not None and client.session is not None:
            client.session.finish()
        await super().disconnect(sid, namespace, ignore_queue)

    async def disconnect_client(self, client: Client) -> None:
        """Disconnect a client, and close its connection if that was its last namespace."""
        await self.disconnect(client.sid, namespace=client.namespace)
        self._lifecycle.close_soon(client.connection)

    def get_environ(self, sid: str, namespace: str | None = None) -> dict[str, Any] | None:
        client = self.manager.client(namespace or "/", sid)
        return client.connection.handshake.environ if client else None

    # Stock looks for these by the Engine.IO session, which disconnect handlers don't find any more.

    async def get_session(self, sid: str, namespace: str | None = None) -> Any:
        return self._connection(sid, namespace).session.setdefault(namespace or "/", {})

    async def save_session(self, sid: str, session: Any, namespace: str | None = None) -> None:
        self._connection(sid, namespace).session[namespace or "/"] = session

    def transport(self, sid: str, namespace: str | None = None) -> str:
        return "websocket" if self._connection(sid, namespace).upgraded else "polling"

    def _connection(self, sid: str, namespace: str | None) -> EngineSession:
        client = self.manager.client(namespace or "/", sid)
        if client is None:
            raise KeyError("Session not found")
        return client.connection

    async def close_all(self) -> None:
        """Close every connection; the clients see a lost transport, and connect again.

        Running handlers have `CLOSE_SECONDS` to finish, and are then cancelled.
        """
        await self.eio.disconnect()
        self.eio.heartbeat.stop()
        await self.work.finish(CLOSE_SECONDS)

    async def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        session = self.eio.sockets.get(eio_sid)
        if session is not None:
            session.write(encode_packet(pkt))

    # Connections: see `PeerServer`

    def _accept(self, session: EngineSession) -> Peer:
        peer = Peer(session, self)
        self._lifecycle.expect(peer)
        return peer

    def connect(self, peer: Peer, namespace: str, auth: Any) -> None:
        if not self.manager_initialized:
            self.manager_initialized = True
            self.manager.initialize()
        self._lifecycle.connect(peer, namespace, auth)

    def leave(self, client: Client) -> None:
        self.work.run(client.connection, self._lifecycle.leave(client))

    def dispatch(self, client: Client, data: list[Any], ack_id: int | None) -> None:
        eio_sid = client.connection.sid
        handling = self._handle_event_internal(
            self, client.sid, eio_sid, data, client.namespace, ack_id
        )
        self.work.run(client.connection, handling)

    def acknowledge(self, client: Client, ack_id: int | None, data: Any) -> None:
        # Not in order: the handler of the event before it may be waiting for it.
        if self.manager.expects(client.sid, ack_id):
            self.work.spawn(self.manager.trigger_callback(client.sid, ack_id, data))

    def on_flood(self, peer: Peer) -> None:
        self._refusals.tell(Refusal(Refused.FLOOD), peer.session.address)

    def on_peer_closed(self, peer: Peer, closing: Closing) -> None:
        self._counters.closed[closing.reason] += 1
        self._lifecycle.on_closed(peer, closing)

    # python-socketio's own handlers: see `StockHandlers`

    def has_handlers(self, namespace: str) -> bool:
        known = {"*", namespace}
        return bool(
            known & self.handlers.keys()
            or known & self.namespace_handlers.keys()
            or (namespace != "/" and self.namespaces == "*")
        )

    async def trigger(self, event: str, namespace: str, *arguments: Any) -> Any:
        return await self._trigger_event(event, namespace, *arguments)
