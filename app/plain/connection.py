"""A WebSocket without Engine.IO and Socket.IO on it: each text frame is a message of its own."""

from __future__ import annotations

from typing import Any, Protocol

import structlog

from app.core.closing import Closing
from app.core.history import Position
from app.hub.memberships import Member
from app.plain.paths import Endpoint
from app.transport.flow import Flow, ProtocolError, discard
from app.transport.websocket import WebSocket

log = structlog.get_logger("hearth.realtime")


class PlainEvents(Protocol):
    """Who is told what happens to plain connections."""

    def on_pong(self, connection: Any) -> None:
        """The client has answered a ping."""

    def on_message(self, connection: Any, message: str | bytes) -> None:
        """A message has arrived; bytes are a binary one. It raises nothing."""

    def on_closed(self, connection: Any, closing: Closing) -> None:
        """The connection is closed; it is told once."""


class PlainConnection(Flow):
    """One such WebSocket.

    Args:
        sid: its id, as session ids are.
        max_unsent_bytes: see `app.transport.flow.allowance`.
    """

    __slots__ = ("_events", "sid")

    socket: WebSocket

    def __init__(
        self, sid: str, socket: WebSocket, events: PlainEvents, max_unsent_bytes: int
    ) -> None:
        super().__init__(socket.write, max_unsent_bytes)
        self.sid = sid
        self.socket = socket
        self._events = events
        socket.attach(self)

    def ping(self, frame: bytes) -> None:
        self.socket.write(frame)

    def on_text(self, message: str | bytes) -> None:
        if self.closed:
            return
        if self._blocked:
            self._let_wait(message)
            return
        self._events.on_message(self, message)
        if self._inbox.messages:
            self._take_waiting()

    on_binary = on_text

    def on_pong(self) -> None:
        self._events.on_pong(self)

    def on_lost(self, reason: str) -> None:
        if reason:
            self.fail(ProtocolError(reason))
        else:
            self.close(Closing.TRANSPORT_CLOSE)

    def fail(self, error: ProtocolError) -> None:
        log.info("closed a connection that broke the protocol", reason=str(error))
        self.close(Closing.TRANSPORT_ERROR)

    def close(self, closing: Closing) -> None:
        if self.closed:
            return
        self.closed = True
        self.write = discard
        self._inbox.clear()
        self.socket.close(closing.code, closing.told)
        if closing is Closing.SLOW:
            log.warning("cut off a connection that does not read", reason=closing.reason)
        self._events.on_closed(self, closing)

    def _handle(self, message: str | bytes) -> None:
        self._events.on_message(self, message)


class Session(PlainConnection):
    """A plain connection at an endpoint; `member` is who it is, None until a token has said so.

    `since` says for each of its channels, in their order, which message it saw last.

    Args:
        stranger: whether it came without a token, so that one may still follow.
    """

    __slots__ = ("endpoint", "member", "since", "stranger")

    def __init__(
        self,
        sid: str,
        socket: WebSocket,
        events: PlainEvents,
        max_unsent_bytes: int,
        endpoint: Endpoint,
        *,
        stranger: bool,
    ) -> None:
        super().__init__(sid, socket, events, max_unsent_bytes)
        self.endpoint = endpoint
        self.since: list[Position | None] = []
        self.stranger = stranger
        self.member: Member | None = None
