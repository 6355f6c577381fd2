"""A client: one connection's membership of one namespace."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

import orjson
from socketio.packet import EVENT

from app.core.errors import HearthError
from app.core.session import Session
from app.engine.session import EngineSession
from app.realtime.packets import encode_json
from app.transport.frames import TEXT, encode


class ClientHandler(Protocol):
    """What a namespace of channels keeps of one client, and who takes its requests."""

    @property
    def session(self) -> Session | None:
        """By which the client can be restored once its connection is lost, if it asked for that."""

    async def on_connected(self) -> None:
        """The client has its CONNECT reply, and receives what is published."""

    async def on_disconnected(self) -> None:
        """The client has left, or its connection has ended; it is told once."""

    def publishes(self, event: str) -> bool:
        """Tell whether an event publishes, and so may go right behind others that do."""

    def on_request(self, request: Request) -> Awaitable[Any] | None:
        """Handle one event; the connection's next one waits for what is returned.

        Of what publishes it may be a future: see `app.realtime.pipeline`.
        """


class Client:
    """One that is connecting, connected, or ending.

    Args:
        sid: the id that others know it by; a client that is restored gets back the one it had.
        siblings: the clients of the same connection, by namespace.
    """

    __slots__ = (
        "_siblings",
        "ack_head",
        "connected",
        "connection",
        "ending",
        "handler",
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
        #: What acknowledgements of its events begin with, before the id.
        self.ack_head = b"43%b," % namespace.encode()
        #: Those that are no channels.
        self.rooms: set[str] = set()
        self.connected = False
        self.ending = False
        #: Of a namespace of channels.
        self.handler: ClientHandler | None = None

    @property
    def session(self) -> Session | None:
        """By which it can be restored once its connection is lost, if it asked for that."""
        return None if self.handler is None else self.handler.session

    def admit(self, sid: str, handler: ClientHandler) -> None:
        """Let it in, under a session id and with a handler of its requests."""
        self.sid, self.handler = sid, handler

    def detach(self) -> None:
        """Let the same connection enter the namespace again."""
        if self._siblings.get(self.namespace) is self:
            del self._siblings[self.namespace]

    def post(self, event: str, argument: Any) -> None:
        """Send an event, without waiting."""
        self.connection.write(encode_json(EVENT, self.namespace, [event, argument]))


class Request:
    """One event of a client, and the way to answer it.

    Args:
        data: its name, as the client wrote it, and what came with it.
        error: why it can't be taken, or None.
        ack_id: by which it is acknowledged; None where the client doesn't wait for that.
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
        """Whether the client waits for an answer, and hasn't got one yet."""
        return self._ack_id is not None

    def reply(self, answer: dict[str, Any]) -> None:
        """Acknowledge the event, once; it is on its way when this returns."""
        if self._ack_id is not None:
            self.reply_json(orjson.dumps(answer))

    def reply_json(self, answer: bytes) -> None:
        """Do as `reply` does with an answer that is encoded."""
        if self._ack_id is None:
            return
        client = self._client
        ack = b"%b%d[%b]" % (client.ack_head, self._ack_id, answer)
        self._ack_id = None
        client.connection.write(encode(TEXT, ack))
