"""Engine.IO sessions (protocol 4): polling, on a WebSocket, or moving to one."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

from app.core.closing import Closing
from app.engine import binary
from app.engine.contract import SessionHandler, Upgrade
from app.engine.poll_buffer import PollBuffer
from app.engine.posts import Posts
from app.transport import frames
from app.transport.connection import Connection, State, discard
from app.transport.flow import ProtocolError
from app.transport.frames import FrameError
from app.transport.handshake import Handshake
from app.transport.limits import Limits
from app.transport.websocket import WebSocket

CLOSE_PACKET: Final = "1"
MESSAGE_PACKET: Final = "4"
NOOP_PACKET: Final = "6"


class SessionServer(Protocol):
    """The server of a session, as the session knows it."""

    def on_pong(self, session: EngineSession) -> None:
        """The client has answered a ping."""

    def on_closed(self, session: EngineSession, closing: Closing) -> None:
        """The session is closed; called once."""


class EngineSession(Connection):
    """A session. What it sends is encoded as WebSocket frames, also while it polls.

    Args:
        limits: as `Connection`'s.
    """

    __slots__ = (
        "_held_writes",
        "_poll_buffer",
        "_posts",
        "_server",
        "_upgrade",
        "handler",
        "handshake",
        "session",
        "sid",
    )

    @property
    def address(self) -> str:
        """The client's address."""
        return self.handshake.remote

    def __init__(
        self, sid: str, handshake: Handshake, server: SessionServer, limits: Limits
    ) -> None:
        super().__init__(State.POLLING, self._buffer_for_poll, limits)
        self.sid = sid
        self.handshake = handshake
        self.session: dict[str, Any] = {}  # python-engineio's: an application's own data
        self._server = server
        self.handler: SessionHandler
        self._upgrade: Upgrade | None = None
        self._held_writes: list[bytes] | None = None
        self._poll_buffer = PollBuffer(limits.unsent_bytes)
        self._posts: Posts | None = None

    def attach(self, handler: SessionHandler) -> None:
        """Pass what arrives to `handler`."""
        self.handler = handler

    def send(self, packet: str) -> None:
        """Send one Engine.IO packet."""
        self.write(frames.encode(frames.TEXT, packet.encode()))

    def ping(self, frame: bytes) -> None:
        """Send a ping, also while other writes are held: its pong has a deadline."""
        if self._held_writes is None:
            self.write(frame)
        elif self.socket is None:
            self._poll_buffer.add(frame)
        else:
            self.socket.write(frame)

    @property
    def unsent_bytes(self) -> int:
        return super().unsent_bytes + self._poll_buffer.size

    # What arrives

    def receive(self, packet: str | bytes) -> None:
        """Handle one Engine.IO packet, or queue it: what is no packet too, so that what was sent
        before it is answered.

        Args:
            packet: bytes are a binary message, and so is text that is a `b` and base64.

        Raises:
            ProtocolError: clients send no such packet.
        """
        if self.state is State.CLOSED:
            return
        if packet == "3":
            self._server.on_pong(self)
        elif packet == CLOSE_PACKET:
            self.close(Closing.CLIENT_DISCONNECT)
        elif (
            # `_blocked`, inlined: this is called for every message.
            self._busy or self._grace is not None or self._poll_buffer.over
        ) and not self.handler.overtakes(packet):
            self._enqueue(packet)
        else:
            # `_handle`, inlined for texts, for the same reason.
            if packet[:1] == MESSAGE_PACKET:
                self.handler.on_message(packet)
            else:
                self._handle(packet)
            if self._queue.messages and not self.handler.assembling:
                self._handle_queued()  # they waited for the last attachment of an acknowledgement

    @property
    def posts(self) -> Posts:
        """What it POSTs."""
        if self._posts is None:
            self._posts = Posts(self, self._queue)
        return self._posts

    @property
    def most_bytes(self) -> int:
        """The largest body that it may POST."""
        return self._limits.frame_bytes if self.admitted else self._limits.stranger_bytes

    @property
    def held_bytes(self) -> int:
        return super().held_bytes + (0 if self._posts is None else self._posts.held_bytes)

    @property
    def listening(self) -> bool:
        return not (self._posts is not None and self._posts.resting) and super().listening

    @property
    def _blocked(self) -> bool:
        return super()._blocked or self._poll_buffer.over

    def _handle_queued(self) -> None:
        if self._queue and self.handler.assembling:
            return  # the next attachment of an acknowledgement comes first
        super()._handle_queued()

    def _handle(self, message: str | bytes) -> None:
        if isinstance(message, str) and not message.startswith(MESSAGE_PACKET):
            if not message.startswith("b"):
                raise ProtocolError("not an Engine.IO packet")
            message = binary.from_text(message)
        self.handler.on_message(message)

    # Polling

    @property
    def polled(self) -> bool:
        """Whether a poll is waiting."""
        return self._poll_buffer.polled

    async def poll(self) -> str:
        """Return the payload of the next poll response, as soon as there is one.

        Its last packet says so if the session is closed.
        """
        if self.state is State.POLLING and not self._moving:
            try:
                await self._poll_buffer.wait()
            except asyncio.CancelledError:
                self.close(Closing.TRANSPORT_CLOSE)
                raise
        if self._moving or self.upgraded:
            return NOOP_PACKET  # what is buffered is for the WebSocket, or for the next poll
        payload = self._poll_buffer.take_payload()
        if self._queue and not self.closed:
            self._handle_queued()
        return payload

    def take_unpolled(self) -> bytes:
        """Remove and return what was not polled for, as WebSocket frames."""
        return self._poll_buffer.take()

    def _buffer_for_poll(self, data: bytes) -> None:
        if self._poll_buffer.has_room(len(data)):
            self._poll_buffer.add(data)
        else:
            self._cut_off()

    # Moving to a WebSocket

    @property
    def upgraded(self) -> bool:
        """Whether it has a WebSocket; the name is python-socketio's."""
        return self.socket is not None

    @property
    def may_upgrade(self) -> bool:
        """Whether it may begin to move: it polls, and there is no other attempt."""
        return self.state is State.POLLING and self._upgrade is None

    def begin_upgrade(self, upgrade: Upgrade) -> None:
        """Begin to move to a WebSocket."""
        self._upgrade = upgrade

    def abandon_upgrade(self) -> None:
        """Give the move up, and go on polling."""
        self._upgrade = None

    def release_poll(self) -> None:
        """Have a waiting poll return."""
        self._poll_buffer.release()

    @property
    def _moving(self) -> bool:
        return self._upgrade is not None and self._upgrade.answered

    def open_socket(self, socket: WebSocket) -> None:
        """Move to a WebSocket: send and receive by it from now on."""
        self.state = State.OPEN
        self.socket = socket
        if self.admitted:
            socket.admit(self._limits.frame_bytes)
        self._upgrade = None
        socket.attach(self)
        if self._held_writes is None:
            self.write = socket.write
        if unpolled := self.take_unpolled():
            socket.write(unpolled)
        self._poll_buffer.release()

    # WebSocket

    def on_text(self, packet: str | bytes) -> None:
        try:
            self.receive(packet)
        except ProtocolError as error:
            self.fail(error)

    on_binary = on_text

    def on_flood(self) -> None:
        self.handler.on_flood()

    def on_unreadable(self, error: FrameError) -> None: ...

    def on_pong(self) -> None: ...  # Engine.IO has pings and pongs of its own

    def _choose_writer(self, socket: WebSocket) -> None:
        if self._held_writes is None:
            super()._choose_writer(socket)

    def _cut_off(self) -> None:
        super()._cut_off()
        self._poll_buffer.take()

    # Held writes

    def hold_writes(self) -> None:
        """Hold what is sent back until `release_writes`."""
        self._held_writes = []
        self.write = self._held_writes.append

    def release_writes(self, first: bytes) -> None:
        """Send `first`, and then what was held, if anything was."""
        if self._held_writes is None:
            self.write(first)
            return
        held, self._held_writes = self._held_writes, None
        if not self.closed:
            self.write = self._buffer_for_poll if self.socket is None else self._writer(self.socket)
            self.write(b"".join([first, *held]))

    # Closing

    def close(self, closing: Closing) -> None:
        if self.closed:
            return
        if self.socket is None:  # the answer of its poll, or of its next one
            last = NOOP_PACKET if closing is Closing.CLIENT_DISCONNECT else CLOSE_PACKET
            self._poll_buffer.add(frames.encode(frames.TEXT, last.encode()))
        self.state = State.CLOSED
        self.write = discard
        self._queue.clear()
        self._posts = None
        if self._upgrade is not None:
            self._upgrade.on_session_closed()
        self._poll_buffer.release()
        if self.socket is not None:
            self.socket.close(reason=closing.frame_reason)
        self._server.on_closed(self, closing)
        self.handler.on_closed(closing)
