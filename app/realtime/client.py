"""Clients: connections' memberships of Socket.IO namespaces, and their requests."""

from __future__ import annotations

from collections.abc import Awaitable, Hashable, Sequence
from typing import Any, Protocol

import orjson
from socketio.packet import CONNECT, EVENT

from app.core.errors import HearthError
from app.core.session import Session
from app.engine.session import EngineSession
from app.realtime.packets import encode_json
from app.transport.frames import TEXT, encode


class ClientHandler(Protocol):
    """The handler of one client's requests, in a namespace of channels."""

    @property
    def session(self) -> Session | None:
        """The client's session, by which it can be restored, if it asked for recovery."""

    async def on_disconnected(self) -> None:
        """The client has left, or its connection is closed; called once."""

    def publishes(self, event: str) -> bool:
        """Tell whether an event publishes, and so needn't wait for the acks of others that do."""

    def on_request(self, request: Request) -> Awaitable[Any] | None:
        """Handle one event; the connection's next request waits for what is returned.

        For events that publish it may be a future: see `app.realtime.pipeline`.
        """


class Client:
    """One connection's membership of one namespace: it is connecting, connected, or leaving.

    Args:
        sid: its session id; a client that is restored gets its former one.
        siblings: the clients of the same connection, by namespace.
    """

    __slots__ = (
        "_held",
        "_siblings",
        "ack_head",
        "connected",
        "connection",
        "greeted",
        "handler",
        "leaving",
        "namespace",
        "rooms",
        "sid",
    )

    def __init__(
        self, sid: str, namespace: str, connection: EngineSession, siblings: dict[str, Client]
    ) -> None:
        self._siblings = siblings
        self.sid = sid
        self.namespace = namespace
        self.connection = connection
        #: The beginning of acknowledgements of its events, up to the id.
        self.ack_head = b"43%b," % namespace.encode()
        #: The rooms that are not channels.
        self.rooms: set[Hashable] = set()
        #: What is sent to it before its CONNECT reply; None where nothing is held.
        self._held: list[bytes] | None = None
        #: Whether it has its CONNECT reply.
        self.greeted = False
        self.connected = False
        self.leaving = False
        #: None in namespaces that are not of channels.
        self.handler: ClientHandler | None = None

    @property
    def session(self) -> Session | None:
        """Its session, by which it can be restored, if it asked for recovery."""
        return None if self.handler is None else self.handler.session

    def admit(self, sid: str, handler: ClientHandler) -> None:
        """Set its session id and the handler of its requests."""
        self.sid, self.handler = sid, handler

    def dismiss(self) -> None:
        """Forget its handler, and with it the session that has ended: no reply names that."""
        self.handler = None

    def detach(self) -> None:
        """Remove it from its connection, which may then enter the namespace again."""
        if self._siblings.get(self.namespace) is self:
            del self._siblings[self.namespace]

    def hold(self) -> None:
        """Hold back what is sent to it until its CONNECT reply."""
        self._held = []

    def greet(self) -> None:
        """Send its CONNECT reply, and what was held back; does nothing the second time."""
        if self.greeted:
            return
        self.greeted = True
        data = {"sid": self.sid}
        if self.session is not None:
            data["pid"] = self.session.pid
        held, self._held = self._held or [], None
        reply = encode_json(CONNECT, self.namespace, data)
        self.connection.release_writes(b"".join([reply, *held]))

    def write(self, data: bytes) -> None:
        """Send encoded frames."""
        if self._held is None:
            self.connection.write(data)
        else:
            self._held.append(data)

    def ask(self, data: bytes) -> None:
        """Send encoded frames that want an acknowledgement: clients give none before CONNECT."""
        self.greet()
        self.connection.write(data)

    def post(self, event: str, argument: Any) -> None:
        """Send an event, without waiting."""
        self.connection.write(encode_json(EVENT, self.namespace, [event, argument]))


class Request:
    """One event of a client, and its acknowledgement.

    Args:
        data: the event's name, and its arguments.
        error: why its payload is refused, or None.
        ack_id: the id to acknowledge it with; None if the client expects no acknowledgement.
    """

    __slots__ = ("_ack_id", "_client", "data", "error", "event")

    def __init__(
        self, data: Sequence[Any], error: HearthError | None, client: Client, ack_id: int | None
    ) -> None:
        self.event: str = data[0]
        self.data = data
        self.error = error
        self._client = client
        self._ack_id = ack_id

    @property
    def wants_ack(self) -> bool:
        """Whether the client expects an acknowledgement that it hasn't got yet."""
        return self._ack_id is not None

    def reply(self, answer: dict[str, Any]) -> None:
        """Acknowledge the event; does nothing the second time. The ack is written on return."""
        if self._ack_id is not None:
            self.reply_json(orjson.dumps(answer))

    def reply_json(self, answer: bytes) -> None:
        """Acknowledge the event with an answer that is encoded already; see `reply`."""
        if self._ack_id is None:
            return
        client = self._client
        ack = b"%b%d[%b]" % (client.ack_head, self._ack_id, answer)
        self._ack_id = None
        client.connection.write(encode(TEXT, ack))
