"""A transport that remembers what it was asked to do."""

from __future__ import annotations

import asyncio
from typing import Any

from app.core.closing import Closing
from app.engine.session import Connection
from app.transport import frames
from app.transport.flow import ProtocolError
from app.transport.frames import CLOSE, TEXT
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
        return [int.from_bytes(frame.payload, "big") for frame in sent if frame.opcode == CLOSE]


class RecordingEvents:
    """Remembers what connections tell; `4bad` is no message to it."""

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.pongs = 0
        self.closed: list[Closing] = []
        self.held: str | None = None  # the message that takes time

    def on_pong(self, connection: Connection) -> None:
        self.pongs += 1

    def on_message(self, connection: Connection, packet: str | bytes) -> None:
        self.messages.append(packet)
        if packet == self.held:
            connection.hold_requests()
        elif packet == "4bad":
            raise ProtocolError("a bad message")

    def on_closed(self, connection: Connection, closing: Closing) -> None:
        self.closed.append(closing)


def new_connection(
    events: Any = None, max_unsent_bytes: int = 1000, sid: str = "sid"
) -> Connection:
    """Return a polling connection of nobody's."""
    handshake: Any = None
    return Connection(sid, handshake, events or RecordingEvents(), max_unsent_bytes)


def open_websocket(connection: Connection) -> RecordingTransport:
    """Give a connection a WebSocket; return what it writes to."""
    transport = RecordingTransport()
    connection.open_socket(WebSocket(1000, 1000, transport))
    return transport
