"""One Engine.IO session (protocol 4), over polling, over a WebSocket, or moving to one."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

import structlog

from app.core.closing import Closing
from app.engine.poll_buffer import PollBuffer
from app.transport import frames
from app.transport.connection import Connection, State, discard
from app.transport.flow import ProtocolError
from app.transport.handshake import Handshake
from app.transport.websocket import WebSocket

log = structlog.get_logger("hearth.realtime")

CLOSE_PACKET: Final = "1"
NOOP_PACKET: Final = "6"


class SessionServer(Protocol):
    """Who keeps sessions."""

    def on_pong(self, session: EngineSession) -> None:
        """The client has answered a ping."""

    def on_closed(self, session: EngineSession, closing: Closing) -> None:
        """The session has ended; it is told once."""


class SessionHandler(Protocol):
    """Who speaks another protocol over a session."""

    @property
    def assembling(self) -> bool:
        """Whether further messages belong to one that has begun."""

    def overtakes(self, message: str | bytes) -> bool:
        """Tell whether a message is handled at once, also while a request is at work."""

    def on_message(self, message: str | bytes) -> None:
        """A message has arrived: text still behind its `4`. Raises `ProtocolError`."""

    def on_closed(self, closing: Closing) -> None:
        """The session has ended; it is told once."""


class Upgrade(Protocol):
    """A WebSocket that a session may move to."""

    @property
    def answered(self) -> bool:
        """Whether the client knows that it may: polls then return at once, so that it can."""

    def on_session_ended(self) -> None:
        """The session has ended before it has moved."""


class EngineSession(Connection):
    """A session: what it sends is kept as WebSocket frames, whatever transport it has.

    Args:
        max_unsent_bytes: as `Connection`'s.
    """

    __slots__ = (
        "_held",
        "_poll_buffer",
        "_server",
        "_upgrade",
        "handler",
        "handshake",
        "session",
        "sid",
    )

    def __init__(
        self, sid: str, handshake: Handshake, server: SessionServer, max_unsent_bytes: int
    ) -> None:
        super().__init__(State.POLLING, self._keep, max_unsent_bytes)
        self.sid = sid
        self.handshake = handshake
        self.session: dict[str, Any] = {}  # python-engineio's: what applications keep of it
        self._server = server
        self.handler: SessionHandler
        self._upgrade: Upgrade | None = None
        self._held: list[bytes] | None = None
        self._poll_buffer = PollBuffer(max_unsent_bytes)

    def attach(self, handler: SessionHandler) -> None:
        """Hand what arrives to `handler`."""
        self.handler = handler

    def send(self, packet: str) -> None:
        """Send one Engine.IO packet."""
        self.write(frames.encode(frames.TEXT, packet.encode()))

    def ping(self, frame: bytes) -> None:
        """Send a ping, also while other writes are held: its answer is waited for."""
        if self._held is None:
            self.write(frame)
        elif self.socket is None:
            self._poll_buffer.add(frame)
        else:
            self.socket.write(frame)

    # What arrives

    def receive(self, packet: str | bytes) -> None:
        """Take one Engine.IO packet; bytes are a binary message.

        Raises:
            ProtocolError: it is none that a client sends.
        """
        if self.state is State.CLOSED:
            return
        if isinstance(packet, bytes) or packet.startswith("4"):
            # `_blocked`, spelt out: every message comes by here.
            if (
                self._busy or self._allowed is not None or self._poll_buffer.over
            ) and not self.handler.overtakes(packet):
                self._let_wait(packet)
                return
            self.handler.on_message(packet)
            if self._queue.messages and not self.handler.assembling:
                self._take_waiting()  # what has waited for the last piece of an acknowledgement
        elif packet == "3":
            self._server.on_pong(self)
        elif packet == CLOSE_PACKET:
            self.close(Closing.CLIENT_DISCONNECT)
        else:
            raise ProtocolError("not an Engine.IO packet")

    async def until_room(self) -> None:
        """Wait while as much has arrived and waits as may.

        Not until all is handled: a client that polls sends nothing, no answer and no pong, before
        its last request is answered.
        """
        await self._queue.until_room()

    @property
    def _blocked(self) -> bool:
        return super()._blocked or self._poll_buffer.over

    def _take_waiting(self) -> None:
        if self._queue and self.handler.assembling:
            return  # an acknowledgement's, whose next piece comes first
        super()._take_waiting()

    def _handle(self, message: str | bytes) -> None:
        self.handler.on_message(message)

    # Polling

    @property
    def polled(self) -> bool:
        """Whether a request is waiting for something to send."""
        return self._poll_buffer.polled

    async def poll(self) -> str:
        """Return the payload of the next polling response, as soon as there is one.

        A server that closes says so in the payload's last packet.
        """
        if self.state is State.POLLING and not self._moving:
            try:
                await self._poll_buffer.wait()
            except asyncio.CancelledError:
                self.close(Closing.TRANSPORT_CLOSE)
                raise
        if self._moving or self.upgraded:
            return NOOP_PACKET  # what is kept goes the new way, or the next poll takes it
        payload = self._poll_buffer.take_payload()
        if self._queue and not self.closed:
            self._take_waiting()
        return payload

    def take_unpolled(self) -> bytes:
        """Return what was not polled for, as WebSocket frames."""
        return self._poll_buffer.take()

    def _keep(self, data: bytes) -> None:
        if self._poll_buffer.has_room(len(data)):
            self._poll_buffer.add(data)
        else:
            self._cut_off()

    # Moving to a WebSocket

    @property
    def upgraded(self) -> bool:
        """Whether it has a WebSocket; python-socketio's word for it."""
        return self.socket is not None

    @property
    def may_upgrade(self) -> bool:
        """Whether it may move: one at a time, and once."""
        return self.state is State.POLLING and self._upgrade is None

    def begin_upgrade(self, upgrade: Upgrade) -> None:
        """Note a WebSocket that it may move to."""
        self._upgrade = upgrade

    def abandon_upgrade(self) -> None:
        """Go on polling."""
        self._upgrade = None

    def release_poll(self) -> None:
        """Have a waiting poll return."""
        self._poll_buffer.release()

    @property
    def _moving(self) -> bool:
        return self._upgrade is not None and self._upgrade.answered

    def open_socket(self, socket: WebSocket) -> None:
        """Send and receive by a WebSocket from now on."""
        self.state = State.OPEN
        self.socket = socket
        self._upgrade = None
        socket.attach(self)
        if self._held is None:
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

    def on_pong(self) -> None: ...  # Engine.IO's own pings are packets

    def on_lost(self, reason: str) -> None:
        if reason:
            self.fail(ProtocolError(reason))
        else:
            self.close(Closing.TRANSPORT_CLOSE)

    def _choose_writer(self, socket: WebSocket) -> None:
        if self._held is None:
            super()._choose_writer(socket)

    def _cut_off(self) -> None:
        super()._cut_off()
        self._poll_buffer.take()

    # Both

    def hold_writes(self) -> None:
        """Keep what is sent until `release_writes`."""
        self._held = []
        self.write = self._held.append

    def release_writes(self, first: bytes) -> None:
        """Send `first`, and then what was kept."""
        held, self._held = self._held or [], None
        if not self.closed:
            self.write = self._keep if self.socket is None else self._writer(self.socket)
            self.write(b"".join([first, *held]))

    # The end

    def fail(self, error: ProtocolError) -> None:
        """End a session that breaks the protocol."""
        log.info("closed a connection that broke the protocol", reason=str(error))
        self.close(Closing.TRANSPORT_ERROR)

    def close(self, closing: Closing) -> None:
        if self.closed:
            return
        if self.socket is None:  # so its poll, or the next one, ends
            last = NOOP_PACKET if closing is Closing.CLIENT_DISCONNECT else CLOSE_PACKET
            self._poll_buffer.add(frames.encode(frames.TEXT, last.encode()))
        self.state = State.CLOSED
        self.write = discard
        self._queue.clear()
        if self._upgrade is not None:
            self._upgrade.on_session_ended()
        self._poll_buffer.release()
        if self.socket is not None:
            self.socket.close()
        self._server.on_closed(self, closing)
        self.handler.on_closed(closing)
