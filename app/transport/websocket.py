"""WebSockets on connections that aiohttp has accepted, without a task or a queue each.

aiohttp's `WebSocketResponse` keeps the request, its task and a queue as long as the socket is open,
and wakes a task for each message. Here the transport is taken over after the handshake
(RFC 6455 §4.2.2): bytes go from the event loop to `FrameReader` to the owner in one call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from app.transport.frames import (
    BINARY,
    CLOSE,
    NORMAL,
    NOT_UTF8,
    PING,
    PONG,
    TEXT,
    Frame,
    FrameError,
    FrameReader,
    encode,
)
from app.transport.handshake import remote_address
from app.transport.intake import Intake

_CLOSE_TIMEOUT_SECONDS: Final = 2.0
_NOT_UTF8: Final = FrameError(NOT_UTF8, "a text that is not UTF-8")
#: So many frames of one socket are handled before others have their turn.
FRAMES_A_TURN: Final = 64

# Why a socket isn't read at the moment.
_QUEUE: Final = 1  # its owner has enough to do
_RATE: Final = 2  # its client sends too much
_TURN: Final = 4  # others have their turn


class Owner(Protocol):
    """The receiver of a socket's messages and events."""

    @property
    def intake(self) -> Intake:
        """How much its client may send."""

    def on_text(self, text: str) -> None:
        """A text message has arrived."""

    def on_binary(self, data: bytes) -> None:
        """A binary message has arrived."""

    def on_pong(self) -> None:
        """A ping frame was answered."""

    def on_flood(self) -> None:
        """The client sends more than its intake; it isn't read for a moment."""

    def on_unsent(self, over_limit: bool) -> None:
        """The unsent bytes have gone over their limit, or have fallen well below it."""

    def on_unreadable(self, error: FrameError) -> None:
        """A frame can't be read; the socket is closed on return, if it isn't by then."""

    def on_lost(self, reason: str) -> None:
        """The socket is closed; `reason` says how the client broke the protocol, if it did."""


class WebSocket(asyncio.Protocol):
    """One open socket.

    Reading goes in turns: a client that sends much is read a little at a time, and one that sends
    more than its intake isn't read for a moment.

    Args:
        max_bytes: largest message that is received.
        max_unsent_bytes: unsent bytes over which `on_unsent` is called; the owner decides.
    """

    __slots__ = (
        "_closing",
        "_holds",
        "_intake",
        "_over_limit",
        "_owner",
        "_pong",
        "_reader",
        "_rest",
        "_transport",
        "write",
    )

    def __init__(self, max_bytes: int, max_unsent_bytes: int, transport: asyncio.Transport) -> None:
        self._reader = FrameReader(max_bytes)
        self._transport = transport
        self._owner: Owner | None = None
        self._closing = False
        self._intake: Intake
        self._holds = 0  # why it isn't read, if it isn't
        self._rest: Iterator[Frame] | None = None  # what was read, and is still to be handled
        # While it takes no more: the PONG that is due. Only the newest PING wants one (§5.5.3).
        self._over_limit = False
        self._pong: bytes | None = None
        transport.set_write_buffer_limits(max_unsent_bytes)
        #: Sends encoded frames. The transport's own method: rooms call it for every member.
        self.write: Callable[[bytes], None] = transport.write

    def attach(self, owner: Owner) -> None:
        """Pass what arrives from now on to `owner`."""
        self._owner = owner
        self._intake = owner.intake

    def admit(self, max_bytes: int) -> None:
        """Receive messages of up to so many bytes from now on."""
        self._reader.max_bytes = max_bytes

    @property
    def listening(self) -> bool:
        """Whether what the client has sent will be read at once."""
        return not self._holds & (_QUEUE | _RATE)

    @property
    def held_bytes(self) -> int:
        """The number of bytes that have arrived, and aren't handled or aren't complete."""
        unhandled = 0 if self._rest is None else self._reader.fed_bytes
        return self._reader.held_bytes + unhandled

    @property
    def address(self) -> str:
        """The other end's address."""
        return remote_address(self._transport.get_extra_info("peername"))

    @property
    def unsent_bytes(self) -> int:
        """The number of bytes that are not sent yet."""
        return self._transport.get_write_buffer_size()

    def send_text(self, text: str) -> None:
        """Send one text message."""
        self.write(encode(TEXT, text.encode()))

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Send a close frame (§5.5.1), and close the connection.

        Args:
            reason: for the client; at most 123 bytes.
        """
        if self._closing:
            return
        self._closing = True
        self._owner = self._rest = None
        self.write(encode(CLOSE, code.to_bytes(2, "big") + reason.encode()))
        # The server closes TCP first (§7.1.1), and doesn't wait long for a client that won't read.
        self._transport.close()
        asyncio.get_running_loop().call_later(_CLOSE_TIMEOUT_SECONDS, self._transport.abort)

    def abort(self) -> None:
        """Close the connection at once, and discard what is unsent."""
        self._closing = True
        self._owner = self._rest = None
        self._transport.abort()

    def pause_reading(self) -> None:
        """Stop reading from the client (backpressure)."""
        self._hold(_QUEUE)

    def resume_reading(self) -> None:
        """Read from the client again."""
        self._release(_QUEUE)

    def _hold(self, why: int) -> None:
        if not (self._holds or self._transport.is_closing()):
            self._transport.pause_reading()
        self._holds |= why

    def _release(self, why: int) -> None:
        if not self._holds & why:
            return
        self._holds &= ~why
        if self._holds or self._transport.is_closing():
            return
        rest, self._rest = self._rest, None
        if rest is None or self._read(rest):
            self._transport.resume_reading()

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        owner = self._owner
        if owner is not None and (text := self._reader.whole_text(data)) is not None:
            self._intake.left -= 1  # as `Intake.take`, inlined: nearly everything comes this way
            try:
                owner.on_text(text.decode())
            except UnicodeDecodeError:
                self._break(_NOT_UTF8)
            if self._intake.left < 0:
                self._check_rate()
        else:
            self._read(self._reader.feed(data))

    def _read(self, frames: Iterator[Frame]) -> bool:
        """Handle frames; return False if some are left for later, when it is read again."""
        left = FRAMES_A_TURN
        try:
            for frame in frames:
                if self._owner is None:
                    return False
                self._intake.take(len(frame.payload))
                self._on_frame(self._owner, frame)
                left -= 1
                if self._intake.left < 0:
                    self._check_rate()
                if left == 0:
                    self._hold(_TURN)
                    asyncio.get_running_loop().call_soon(self._release, _TURN)
                if self._holds:
                    self._rest = frames
                    return False
        except FrameError as error:
            self._break(error)
        except UnicodeDecodeError:
            self._break(_NOT_UTF8)
        return not self._closing

    def _on_frame(self, owner: Owner, frame: Frame) -> None:
        opcode, payload = frame
        if opcode == TEXT:
            owner.on_text(payload.decode())
        elif opcode == BINARY:
            owner.on_binary(bytes(payload))
        elif opcode == PING:
            pong = encode(PONG, bytes(payload))
            if self._over_limit:
                self._pong = pong
            else:
                self.write(pong)
        elif opcode == PONG:
            owner.on_pong()
        elif opcode == CLOSE:
            self._end(NORMAL, "")

    def _check_rate(self) -> None:
        if pause := self._intake.pause():
            self._hold(_RATE)
            if self._owner is not None:
                self._owner.on_flood()
            asyncio.get_running_loop().call_later(pause, self._release, _RATE)

    def pause_writing(self) -> None:
        self._over_limit = True
        if self._owner is not None:
            self._owner.on_unsent(True)

    def resume_writing(self) -> None:
        self._over_limit = False
        if self._owner is not None:
            if (pong := self._pong) is not None:
                self._pong = None
                self.write(pong)
            self._owner.on_unsent(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._rest = None
        self._notify_lost(self._owner, "")

    def _break(self, error: FrameError) -> None:
        if self._owner is not None:
            self._owner.on_unreadable(error)
        self._end(error.code, str(error))

    def _end(self, code: int, reason: str) -> None:
        owner = self._owner
        self.close(code, reason)
        self._notify_lost(owner, reason)

    def _notify_lost(self, owner: Owner | None, reason: str) -> None:
        self._owner = None
        if owner is not None:
            owner.on_lost(reason)
