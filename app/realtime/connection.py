"""One Engine.IO session (protocol 4), over polling, over a WebSocket, or moving to one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from app.core.rate import TokenBucket
from app.realtime import frames
from app.realtime.handshake import Handshake
from app.realtime.outbox import Outbox
from app.realtime.websocket import WebSocket

if TYPE_CHECKING:
    from app.realtime.probe import Probe
    from app.realtime.rooms import Client

log = structlog.get_logger("hearth.realtime")

CLOSE_PACKET: Final = "1"
NOOP_PACKET: Final = "6"
# Events that may wait behind one that is being handled, before the client's bytes do.
_MAX_WAITING: Final = 100


class ProtocolError(ValueError):
    """What a client sent is not Engine.IO or Socket.IO; the connection ends."""


class Events(Protocol):
    """Who is told what happens to connections."""

    def on_pong(self, connection: Connection) -> None:
        """The client has answered a ping."""

    def on_message(self, connection: Connection, packet: str | bytes) -> None:
        """A message has arrived: text still behind its `4`. Raises `ProtocolError`."""

    def on_closed(self, connection: Connection, reason: str) -> None:
        """The connection is closed; it is told once."""


class Connection:
    """A session: what it sends is kept as WebSocket frames, whatever transport it has.

    `write` takes encoded frames and never waits, raises or changes a room. It is the transport's
    own method while all is well, something else when nobody polls, reads or listens any more.
    """

    __slots__ = (
        "_delayed",
        "_events",
        "_idle",
        "_outbox",
        "_waiting",
        "assembly",
        "bucket",
        "busy",
        "clients",
        "closed",
        "due_at",
        "handshake",
        "pinged",
        "probe",
        "session",
        "sid",
        "socket",
        "write",
    )

    def __init__(
        self, sid: str, handshake: Handshake, events: Events, max_unsent_bytes: int
    ) -> None:
        self.sid = sid
        self.handshake = handshake
        self.session: dict[str, Any] = {}
        self.clients: dict[str, Client] = {}
        self.bucket: TokenBucket | None = None
        self.socket: WebSocket | None = None
        self.probe: Probe | None = None
        self.closed = False
        self.busy = False
        self.pinged = False
        self.due_at = 0.0
        self.assembly: Any = None
        self.write: Callable[[bytes], None] = self._hold
        self._events = events
        self._delayed: list[bytes] | None = None
        self._outbox = Outbox(max_unsent_bytes)
        self._waiting: deque[str | bytes] = deque()
        self._idle: asyncio.Future[None] | None = None

    @property
    def upgraded(self) -> bool:
        """Whether it is a WebSocket; python-socketio's word for it."""
        return self.socket is not None

    def send(self, packet: str) -> None:
        """Send one Engine.IO packet."""
        self.write(frames.encode(frames.TEXT, packet.encode()))

    # What arrives

    def receive(self, packet: str | bytes) -> None:
        """Take one Engine.IO packet; bytes are a binary message.

        Raises:
            ProtocolError: it is none that a client sends.
        """
        if self.closed:
            return
        if isinstance(packet, bytes) or packet.startswith("4"):
            # Acknowledgements are no requests: a handler may be waiting for this one.
            if self.busy and not (isinstance(packet, str) and packet.startswith("43")):
                self._wait(packet)
            else:
                self._events.on_message(self, packet)
        elif packet == "3":
            self._events.on_pong(self)
        elif packet == CLOSE_PACKET:
            self.close("client disconnect", last_packet=NOOP_PACKET)
        else:
            raise ProtocolError("not an Engine.IO packet")

    def hold_requests(self) -> None:
        """Let what arrives wait until `go_on`."""
        self.busy = True

    def go_on(self) -> None:
        """Take what has waited, up to the next request that takes time."""
        self.busy = False
        try:
            while self._waiting and not self.busy and not self.closed:
                self._events.on_message(self, self._waiting.popleft())
        except ProtocolError as error:
            self.fail(error)
        if self.socket is not None and len(self._waiting) < _MAX_WAITING:
            self.socket.resume_reading()
        if not self.busy and self._idle is not None:
            self._idle.set_result(None)
            self._idle = None

    async def until_idle(self) -> None:
        """Wait until everything that has arrived is handled."""
        while self.busy and not self.closed:
            if self._idle is None:
                self._idle = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._idle)

    def _wait(self, packet: str | bytes) -> None:
        self._waiting.append(packet)
        if self.socket is not None and len(self._waiting) >= _MAX_WAITING:
            self.socket.pause_reading()

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
                self.close("transport close")
                raise
        if self._moving or self.upgraded:
            return NOOP_PACKET  # what is held goes the new way, or the next poll takes it
        return self._outbox.take_payload()

    def release_poll(self) -> None:
        """Have a waiting poll return."""
        self._outbox.release()

    @property
    def _moving(self) -> bool:
        return self.probe is not None and self.probe.answered

    def _hold(self, data: bytes) -> None:
        if self._outbox.full:
            self._cut_off(data)
        else:
            self._outbox.add(data)

    # WebSocket

    def open_socket(self, socket: WebSocket) -> None:
        """Send and receive by a WebSocket from now on."""
        self.socket = socket
        self.probe = None
        if self._delayed is None:
            self.write = socket.write
        if held := self._outbox.take():
            socket.write(held)
        socket.attach(self)
        self.release_poll()

    def on_text(self, text: str) -> None:
        try:
            self.receive(text)
        except ProtocolError as error:
            self.fail(error)

    def on_binary(self, data: bytes) -> None:
        try:
            self.receive(data)
        except ProtocolError as error:
            self.fail(error)

    def on_unsent(self, over_limit: bool) -> None:
        # The write that went over the limit may have been one large message to somebody who
        # reads; whoever has not read it by the next one is slow.
        if not self.closed and self.socket is not None and self._delayed is None:
            self.write = self._cut_off if over_limit else self.socket.write

    def on_lost(self, reason: str) -> None:
        if reason:
            self.fail(ProtocolError(reason))
        else:
            self.close("transport close")

    def _cut_off(self, _data: bytes) -> None:
        # Called in the midst of a room's members: end now, tell of it when nobody iterates.
        self.write = _discard
        if self.socket is not None:
            self.socket.abort()
        self._outbox.take()
        asyncio.get_running_loop().call_soon(self.close, "slow")

    # Both

    def hold_writes(self) -> None:
        """Keep what is sent until `release_writes`."""
        self._delayed = []
        self.write = self._delayed.append

    def release_writes(self, first: bytes) -> None:
        """Send `first`, and then what was kept."""
        delayed, self._delayed = self._delayed or [], None
        if not self.closed:
            self.write = self.socket.write if self.socket is not None else self._hold
            self.write(b"".join([first, *delayed]))

    # The end

    def fail(self, error: ProtocolError) -> None:
        """End a connection that breaks the protocol."""
        log.info("closed a connection that broke the protocol", reason=str(error))
        self.close("transport error")

    def close(self, reason: str, last_packet: str = CLOSE_PACKET) -> None:
        """End it; what is already written is still sent.

        Args:
            last_packet: what a waiting poll, or the next one, ends with.
        """
        if self.closed:
            return
        if self.socket is None:
            self._outbox.add(frames.encode(frames.TEXT, last_packet.encode()))
        self.closed = True
        self.write = _discard
        self._waiting.clear()
        if self.probe is not None:
            self.probe.end()
        self.release_poll()
        if self.socket is not None:
            self.socket.close()
        if self._idle is not None:
            self._idle.set_result(None)
            self._idle = None
        self._events.on_closed(self, reason)


def _discard(_data: bytes) -> None:
    """Take what is sent to a connection that has ended."""
