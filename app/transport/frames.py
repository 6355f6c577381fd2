"""WebSocket frames (RFC 6455 §5): decoding and encoding, without I/O."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from aiohttp._websocket.helpers import websocket_mask

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

# Close codes (RFC 6455 §7.4.1)
NORMAL: Final = 1000
PROTOCOL_ERROR: Final = 1002
NOT_UTF8: Final = 1007
TOO_BIG: Final = 1009

_FIN: Final = 0x80
_MASKED: Final = 0x80
_WHOLE_TEXT: Final = _FIN | TEXT
#: Of the first byte: CLOSE, PING, PONG, and those that are still reserved.
_CONTROL: Final = 0x08
_MASKED_16_BITS: Final = _MASKED | 126
_SHORT_TEXT: Final = [bytes((_WHOLE_TEXT, size)) for size in range(126)]
_HEAD_16_BITS: Final = struct.Struct("!BBH")


class FrameError(Exception):
    """What arrived breaks the WebSocket protocol; `code` is the close code to answer with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Frame(NamedTuple):
    """A whole message (TEXT, BINARY) or a control frame (CLOSE, PING, PONG)."""

    opcode: int
    payload: bytes | bytearray


#: Stands for a fragment that completes no message.
PART: Final = Frame(CONTINUATION, b"")


def encode(opcode: int, payload: bytes) -> bytes:
    """Return one whole, unmasked frame, as servers send them."""
    size = len(payload)
    if size < 126:
        head = _SHORT_TEXT[size] if opcode == TEXT else bytes((_FIN | opcode, size))
        return head + payload
    if size < 65_536:
        return _HEAD_16_BITS.pack(_FIN | opcode, 126, size) + payload
    return b"%c\x7f%b%b" % (_FIN | opcode, size.to_bytes(8, "big"), payload)


def payload_of(frame: bytes) -> bytes:
    """Return the payload of one frame that `encode` made."""
    size = frame[1]
    return frame[2 if size < 126 else 4 if size == 126 else 10 :]


def decode(frames: bytes) -> Iterator[Frame]:
    """Return the frames in a concatenation of frames that `encode` made."""
    at = 0
    while at < len(frames):
        opcode, size = frames[at] & 0xF, frames[at + 1]
        at += 2
        if size >= 126:
            length = 2 if size == 126 else 8
            size = int.from_bytes(frames[at : at + length], "big")
            at += length
        yield Frame(opcode, frames[at : at + size])
        at += size


class FrameReader:
    """A reader of a client's frames: bytes in, as they arrive, and complete messages out.

    Args:
        max_bytes: largest message; a larger one is refused before it is buffered. It may be
            changed, for the frames that begin later.
    """

    __slots__ = (
        "_buffer",
        "_fragments",
        "_fragments_opcode",
        "_needed",
        "fed_bytes",
        "max_bytes",
    )

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        # An incomplete frame, and how many bytes it takes to complete it.
        self._buffer: bytearray | None = None
        self._needed = 0
        #: The number of bytes that were fed last, as long as they aren't read to their end.
        self.fed_bytes = 0
        # The payload so far of a fragmented message (§5.4).
        self._fragments: bytearray | None = None
        self._fragments_opcode = 0

    def whole_text(self, data: bytes) -> bytearray | None:
        """Return the payload of `data` if it is exactly one text message, as nearly always.

        None: it is something else, for `feed` to read.
        """
        end = len(data)
        if (
            end < 6
            or data[0] != _WHOLE_TEXT
            or self._buffer is not None
            or self._fragments is not None
        ):
            return None
        size = data[1]
        if size < _MASKED_16_BITS:
            size -= _MASKED
            body = 6
        elif size == _MASKED_16_BITS and end >= 8:
            size = data[2] << 8 | data[3]
            body = 8
        else:
            return None
        if body + size != end or size > self.max_bytes:
            return None
        payload = bytearray(data[body:])
        websocket_mask(data[body - 4 : body], payload)
        return payload

    @property
    def held_bytes(self) -> int:
        """The number of bytes of what is incomplete."""
        return len(self._buffer or b"") + len(self._fragments or b"")

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Iterate over the messages and control frames that `data` completes, in order.

        Each is read when it is asked for. All have to be, before more is fed. For a fragment that
        completes nothing there is `PART`: it is work, and has its turn, too.

        Raises:
            FrameError: it breaks the protocol, or a message is too large.
        """
        if self._buffer is not None:
            # Appended, not joined: a client may send a large frame byte by byte.
            self._buffer += data
            if len(self._buffer) < self._needed:
                return
            data, self._buffer, self._needed = bytes(self._buffer), None, 0
        at, end = 0, len(data)
        self.fed_bytes = end
        while end - at >= 2:
            first, size = data[at], data[at + 1]
            if size < _MASKED:
                raise FrameError(PROTOCOL_ERROR, "an unmasked frame")
            size -= _MASKED
            head = at + 2
            if size >= 126:
                if first & _CONTROL:
                    raise FrameError(PROTOCOL_ERROR, "a control frame of more than 125 bytes")
                length = 2 if size == 126 else 8
                if end - head < length:
                    break
                size = int.from_bytes(data[head : head + length], "big")
                head += length
            if size > self.max_bytes:
                raise FrameError(TOO_BIG, f"a frame over {self.max_bytes} bytes")
            body = head + 4
            if body + size > end:
                # A bad frame is refused by its head, without waiting for the rest.
                self._check(first, size)
                self._needed = body + size - at
                break
            payload = bytearray(data[body : body + size])
            websocket_mask(data[head:body], payload)
            at = body + size
            if first == _WHOLE_TEXT and self._fragments is None:  # nearly all frames
                yield Frame(TEXT, payload)
            else:
                yield self._take(first, payload) or PART
        if at < end:
            self._buffer = bytearray(data[at:])

    def _check(self, first: int, size: int) -> None:
        opcode = first & 0xF
        if first & 0x70:
            raise FrameError(PROTOCOL_ERROR, "a reserved bit")
        if opcode in (CLOSE, PING, PONG):
            if not first & _FIN:
                raise FrameError(PROTOCOL_ERROR, "a control frame in pieces")
        elif opcode > BINARY:
            raise FrameError(PROTOCOL_ERROR, "a reserved opcode")
        elif (opcode == CONTINUATION) != (self._fragments is not None):
            raise FrameError(PROTOCOL_ERROR, "a fragment out of place")
        elif self._fragments is not None and len(self._fragments) + size > self.max_bytes:
            raise FrameError(TOO_BIG, f"a message over {self.max_bytes} bytes")

    def _take(self, first: int, payload: bytearray) -> Frame | None:
        self._check(first, len(payload))
        opcode = first & 0xF
        if opcode >= CLOSE:
            return Frame(opcode, payload)
        if self._fragments is None:
            if first & _FIN:
                return Frame(opcode, payload)
            self._fragments, self._fragments_opcode = payload, opcode
            return None
        self._fragments += payload
        if not first & _FIN:
            return None
        frame = Frame(self._fragments_opcode, self._fragments)
        self._fragments = None
        return frame
