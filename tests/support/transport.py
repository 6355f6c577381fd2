"""A transport, and a connection on it, that remember what they were asked to do."""

from __future__ import annotations

import asyncio

from app.core.closing import Closing
from app.transport import frames
from app.transport.connection import Connection, State, discard
from app.transport.flow import ProtocolError
from app.transport.frames import CLOSE, TEXT, FrameError
from app.transport.limits import Limits
from app.transport.websocket import WebSocket


class RecordingTransport(asyncio.Transport):
    """`writes` holds each write on its own; `calls` what else was done, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.calls: list[str] = []
        self.high: int | None = None
        self.unsent_bytes = 0

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None: ...

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")

    def is_closing(self) -> bool:
        return bool({"close", "abort"} & set(self.calls))

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high

    def texts(self) -> list[str]:
        """Return the text messages that were written."""
        sent = frames.decode(b"".join(self.writes))
        return [frame.payload.decode() for frame in sent if frame.opcode == TEXT]

    def close_codes(self) -> list[int]:
        """Return the codes of the close frames that were written."""
        sent = frames.decode(b"".join(self.writes))
        return [int.from_bytes(frame.payload[:2], "big") for frame in sent if frame.opcode == CLOSE]


class RecordingConnection(Connection):
    """A connection of no protocol: `messages` is what was handed on, `closings` how it ended.

    The message `held` takes time, and `bad` breaks the protocol.
    """

    socket: WebSocket

    def __init__(self, sid: str = "sid", max_unsent_bytes: int = 1000) -> None:
        self.transport = RecordingTransport()
        socket = WebSocket(1000, max_unsent_bytes, self.transport)
        super().__init__(State.OPEN, socket.write, Limits(1000, 2000, max_unsent_bytes))
        self.sid = sid
        self.socket = socket
        self.messages: list[str | bytes] = []
        self.held: str | None = None
        self.floods = 0
        self.closings: list[Closing] = []
        socket.attach(self)

    @property
    def got(self) -> list[str]:
        """The texts that were written to it."""
        return self.transport.texts()

    def receive(self, *messages: str | bytes) -> None:
        """Take messages, each as soon as it may be handed on."""
        for message in messages:
            if self._blocked:
                self._enqueue(message)
            elif not self.closed:
                self._handle(message)

    on_text = receive
    on_binary = receive

    def on_pong(self) -> None: ...

    def on_flood(self) -> None:
        self.floods += 1

    def on_unreadable(self, error: FrameError) -> None: ...

    def on_lost(self, reason: str) -> None: ...

    def fail(self, error: ProtocolError) -> None:
        self.close(Closing.TRANSPORT_ERROR)

    def close(self, closing: Closing) -> None:
        self.state = State.CLOSED
        self.write = discard
        self.closings.append(closing)

    def _handle(self, message: str | bytes) -> None:
        self.messages.append(message)
        if message == "bad":
            raise ProtocolError("a bad message")
        if message == self.held:
            self.hold_requests()
