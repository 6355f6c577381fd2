"""One Engine.IO session (protocol 4), over polling, over a WebSocket, or moving to one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from app.core.closing import Closing
from app.engine.outbox import Outbox
from app.transport import frames
from app.transport.flow import Flow, ProtocolError, discard
from app.transport.handshake import Handshake
from app.transport.websocket import WebSocket

if TYPE_CHECKING:
    from app.engine.probe import Probe
    from app.realtime.manager import Client

log = structlog.get_logger("hearth.realtime")

CLOSE_PACKET: Final = "1"
NOOP_PACKET: Final = "6"


class Events(Protocol):
    """Who is told what happens to connections."""

    def on_pong(self, connection: Connection) -> None:
        """The client has answered a ping."""

    def on_message(self, connection: Connection, packet: str | bytes) -> None:
        """A message has arrived: text still behind its `4`. Raises `ProtocolError`."""

    def on_closed(self, connection: Connection, closing: Closing) -> None:
        """The connection is closed; it is told once."""


class Connection(Flow):
    """A session: what it sends is kept as WebSocket frames, whatever transport it has."""

    __slots__ = (
        *("_delayed", "_events", "_outbox", "asked", "assembly", "clients", "entered"),
        *("handshake", "last_publish", "probe", "session", "sid", "under_way"),
    )

    def __init__(
        self, sid: str, handshake: Handshake, events: Events, max_unsent_bytes: int
    ) -> None:
        super().__init__(self._hold, max_unsent_bytes)
        self.sid = sid
        self.handshake = handshake
        self.session: dict[str, Any] = {}
        self.clients: dict[str, Client] = {}
        self.probe: Probe | None = None
        self.entered = False  # whether it ever was in a namespace
        self.asked = 0  # times that it asked for a namespace
        self.under_way = 0  # publishes, see `Turns`
        self.last_publish: asyncio.Future[Any] | None = None
        self.assembly: Any = None
        self._events = events
        self._delayed: list[bytes] | None = None
        self._outbox = Outbox(max_unsent_bytes)

    @property
    def upgraded(self) -> bool:
        """Whether it is a WebSocket; python-socketio's word for it."""
        return self.socket is not None

    def send(self, packet: str) -> None:
        """Send one Engine.IO packet."""
        self.write(frames.encode(frames.TEXT, packet.encode()))

    def ping(self, frame: bytes) -> None:
        """Send a ping, also while other writes are held: its answer is waited for."""
        if self._delayed is None:
            self.write(frame)
        elif self.socket is None:
            self._outbox.add(frame)
        else:
            self.socket.write(frame)

    # What arrives

    def receive(self, packet: str | bytes) -> None:
        """Take one Engine.IO packet; bytes are a binary message.

        Raises:
            ProtocolError: it is none that a client sends.
        """
        if self.closed:
            return
        if isinstance(packet, bytes) or packet.startswith("4"):
            # `_blocked`, spelt out: every message comes by here.
            if (
                self.busy or self._allowed is not None or self._outbox.over
            ) and not self._overtakes(packet):
                self._let_wait(packet)
                return
            self._events.on_message(self, packet)
            if self._inbox.messages and self.assembly is None:
                self._take_waiting()  # what has waited for the last piece of an acknowledgement
        elif packet == "3":
            self._events.on_pong(self)
        elif packet == CLOSE_PACKET:
            self.close(Closing.CLIENT_DISCONNECT)
        else:
            raise ProtocolError("not an Engine.IO packet")

    async def until_room(self) -> None:
        """Wait while as much has arrived and waits as may.

        Not until all is handled: a client that polls sends nothing, no answer and no pong, before
        its last request is answered.
        """
        await self._inbox.until_room()

    @property
    def _blocked(self) -> bool:
        return super()._blocked or self._outbox.over

    def _overtakes(self, packet: str | bytes) -> bool:
        # Acknowledgements are no requests: a handler may be waiting for this one. What is being
        # assembled while a handler runs is one too: an event would have waited.
        return self.assembly is not None or (
            isinstance(packet, str) and packet.startswith(("43", "46"))
        )

    def _take_waiting(self) -> None:
        if self._inbox and self.assembly is not None:
            return  # an acknowledgement's, whose next piece comes first
        super()._take_waiting()

    def _handle(self, message: str | bytes) -> None:
        self._events.on_message(self, message)

    # Polling

    @property
    def polled(self) -> bool:
        """Whether a request is waiting for something to send."""
        return self._outbox.polled

    async def poll(self) -> str:
        """Return the payload of the next polling response, as soon as there is one.

        A server that closes says so in the payload's last packet.
        """
        if not self.closed and not self._moving:
            try:
                await self._outbox.wait()
            except asyncio.CancelledError:
                self.close(Closing.TRANSPORT_CLOSE)
                raise
        if self._moving or self.upgraded:
            return NOOP_PACKET  # what is held goes the new way, or the next poll takes it
        payload = self._outbox.take_payload()
        if self._inbox and not self.closed:
            self._take_waiting()
        return payload

    def take_held(self) -> bytes:
        """Return what was not polled for, as WebSocket frames."""
        return self._outbox.take()

    def release_poll(self) -> None:
        """Have a waiting poll return."""
        self._outbox.release()

    @property
    def _moving(self) -> bool:
        return self.probe is not None and self.probe.answered

    def _hold(self, data: bytes) -> None:
        if self._outbox.has_room(len(data)):
            self._outbox.add(data)
        else:
            self._cut_off()

    # WebSocket

    def open_socket(self, socket: WebSocket) -> None:
        """Send and receive by a WebSocket from now on."""
        self.socket = socket
        self.probe = None
        socket.attach(self)
        if self._delayed is None:
            self.write = socket.write
        if held := self.take_held():
            socket.write(held)
        self.release_poll()

    def on_text(self, packet: str | bytes) -> None:
        try:
            self.receive(packet)
        except ProtocolError as error:
            self.fail(error)

    on_binary = on_text

    def on_pong(self) -> None: ...  # Engine.IO's own pings are packets

    def _choose_way_out(self, socket: WebSocket) -> None:
        if self._delayed is None:
            super()._choose_way_out(socket)

    def on_lost(self, reason: str) -> None:
        if reason:
            self.fail(ProtocolError(reason))
        else:
            self.close(Closing.TRANSPORT_CLOSE)

    def _cut_off(self) -> None:
        super()._cut_off()
        self._outbox.take()

    # Both

    def hold_writes(self) -> None:
        """Keep what is sent until `release_writes`."""
        self._delayed = []
        self.write = self._delayed.append

    def release_writes(self, first: bytes) -> None:
        """Send `first`, and then what was kept."""
        delayed, self._delayed = self._delayed or [], None
        if not self.closed:
            self.write = self._hold if self.socket is None else self._way_out(self.socket)
            self.write(b"".join([first, *delayed]))

    # The end

    def fail(self, error: ProtocolError) -> None:
        """End a connection that breaks the protocol."""
        log.info("closed a connection that broke the protocol", reason=str(error))
        self.close(Closing.TRANSPORT_ERROR)

    def close(self, closing: Closing) -> None:
        if self.closed:
            return
        if self.socket is None:  # so its poll, or the next one, ends
            last = NOOP_PACKET if closing is Closing.CLIENT_DISCONNECT else CLOSE_PACKET
            self._outbox.add(frames.encode(frames.TEXT, last.encode()))
        self.closed = True
        self.write = discard
        self._inbox.clear()
        if self.probe is not None:
            self.probe.on_session_ended()
        self.release_poll()
        if self.socket is not None:
            self.socket.close()
        self._events.on_closed(self, closing)
