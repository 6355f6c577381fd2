"""Binary messages as text: a `b` and base64, for clients and transports without binary frames."""

from __future__ import annotations

import base64
from collections.abc import Callable

from app.transport import frames
from app.transport.flow import ProtocolError


def from_text(packet: str) -> bytes:
    """Return the message of a packet that begins with `b`. Raises `ProtocolError`."""
    try:
        return base64.b64decode(packet[1:], validate=True)
    except ValueError:
        raise ProtocolError("not base64") from None


def to_text(message: bytes | bytearray) -> bytes:
    """Return the packet of a binary message."""
    return b"b" + base64.b64encode(message)


def in_text(write: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Return a function that passes frames on to `write`, with binary messages as text."""

    def write_text(data: bytes) -> None:
        write(
            b"".join(
                frames.encode(frames.TEXT, to_text(frame.payload))
                if frame.opcode == frames.BINARY
                else frames.encode(frame.opcode, bytes(frame.payload))
                for frame in frames.decode(data)
            )
        )

    return write_text
