"""Plain connections: WebSockets without Engine.IO and Socket.IO, one message a text frame."""

from __future__ import annotations

from typing import Protocol

from app.core.closing import Closing
from app.transport.connection import Connection, State, discard
from app.transport.frames import TOO_BIG, FrameError
from app.transport.limits import Limits
from app.transport.websocket import WebSocket


class PlainHandler(Protocol):
    """The receiver of a plain connection's messages and events."""

    def on_pong(self) -> None:
        """The client has answered a ping."""

    def on_message(self, message: str | bytes) -> None:
        """A message has arrived; bytes are a binary one. Raises nothing."""

    def on_flood(self) -> None:
        """The client sends more than its intake; it isn't read for a moment."""

    def on_too_large(self, error: FrameError) -> None:
        """A message is too large to be read; the connection is closed on return."""

    def on_closed(self, closing: Closing) -> None:
        """The connection is closed; called once."""


class PlainConnection(Connection):
    """A plain connection.

    Args:
        sid: its session id.
        address: its client's.
        limits: as `Connection`'s.
    """

    __slots__ = ("_address", "_handler", "sid", "socket")

    socket: WebSocket

    def __init__(self, sid: str, address: str, socket: WebSocket, limits: Limits) -> None:
        super().__init__(State.OPEN, socket.write, limits)
        self.sid = sid
        self._address = address
        self.socket = socket
        self._handler: PlainHandler
        socket.attach(self)

    def attach(self, handler: PlainHandler) -> None:
        """Pass what arrives to `handler`."""
        self._handler = handler

    @property
    def address(self) -> str:
        return self._address

    def ping(self, frame: bytes) -> None:
        self.socket.write(frame)

    def on_text(self, message: str | bytes) -> None:
        if self.closed:
            return
        if self._blocked:
            self._enqueue(message)
            return
        self._handler.on_message(message)
        if self._queue.messages:
            self._handle_queued()

    on_binary = on_text

    def on_pong(self) -> None:
        self._handler.on_pong()

    def on_flood(self) -> None:
        self._handler.on_flood()

    def on_unreadable(self, error: FrameError) -> None:
        if error.code == TOO_BIG:
            self._handler.on_too_large(error)

    def close(self, closing: Closing) -> None:
        if self.closed:
            return
        self.state = State.CLOSED
        self.write = discard
        self._queue.clear()
        self.socket.close(closing.code, closing.frame_reason)
        self._handler.on_closed(closing)

    def _handle(self, message: str | bytes) -> None:
        self._handler.on_message(message)
