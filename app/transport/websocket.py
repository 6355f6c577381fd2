"""WebSockets on connections that aiohttp has accepted, without a task or a queue each.

aiohttp's `WebSocketResponse` keeps the request, its task and a queue as long as the socket is open,
and wakes a task for each message. Here the transport is taken over after the handshake
(RFC 6455 §4.2.2): bytes go from the event loop to `FrameReader` to the owner in one call.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from app.core.refused import Refusal, Refused
from app.core.subprotocol import read_offered
from app.transport.frames import (
    BINARY,
    CLOSE,
    NORMAL,
    NOT_UTF8,
    PING,
    PONG,
    TEXT,
    FrameError,
    FrameReader,
    encode,
)
from app.transport.handshake import remote_address

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CLOSE_TIMEOUT_SECONDS: Final = 2.0


class Owner(Protocol):
    """The receiver of a socket's messages and events."""

    def on_text(self, text: str) -> None:
        """A text message has arrived."""

    def on_binary(self, data: bytes) -> None:
        """A binary message has arrived."""

    def on_pong(self) -> None:
        """A ping frame was answered."""

    def on_unsent(self, over_limit: bool) -> None:
        """The unsent bytes have gone over their limit, or have fallen well below it."""

    def on_lost(self, reason: str) -> None:
        """The socket is closed; `reason` says how the client broke the protocol, if it did."""


class WebSocket(asyncio.Protocol):
    """One open socket.

    Args:
        max_bytes: largest message that is received.
        max_unsent_bytes: unsent bytes over which `on_unsent` is called; the owner decides.
    """

    __slots__ = ("_closing", "_owner", "_reader", "_transport", "write")

    def __init__(self, max_bytes: int, max_unsent_bytes: int, transport: asyncio.Transport) -> None:
        self._reader = FrameReader(max_bytes)
        self._transport = transport
        self._owner: Owner | None = None
        self._closing = False
        transport.set_write_buffer_limits(max_unsent_bytes)
        #: Sends encoded frames. The transport's own method: rooms call it for every member.
        self.write: Callable[[bytes], None] = transport.write

    def attach(self, owner: Owner) -> None:
        """Pass what arrives from now on to `owner`."""
        self._owner = owner

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
        self._owner = None
        self.write(encode(CLOSE, code.to_bytes(2, "big") + reason.encode()))
        # The server closes TCP first (§7.1.1), and doesn't wait long for a client that won't read.
        self._transport.close()
        asyncio.get_running_loop().call_later(_CLOSE_TIMEOUT_SECONDS, self._transport.abort)

    def abort(self) -> None:
        """Close the connection at once, and discard what is unsent."""
        self._closing = True
        self._owner = None
        self._transport.abort()

    def pause_reading(self) -> None:
        """Stop reading from the client (backpressure)."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read from the client again."""
        self._transport.resume_reading()

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        try:
            owner = self._owner
            if owner is not None and (text := self._reader.whole_text(data)) is not None:
                owner.on_text(text.decode())
                return
            for opcode, payload in self._reader.feed(data):
                owner = self._owner
                if owner is None:
                    return
                if opcode == TEXT:
                    owner.on_text(payload.decode())
                elif opcode == BINARY:
                    owner.on_binary(bytes(payload))
                elif opcode == PING:
                    self.write(encode(PONG, bytes(payload)))
                elif opcode == PONG:
                    owner.on_pong()
                elif opcode == CLOSE:
                    self._end(NORMAL, "")
        except FrameError as error:
            self._end(error.code, str(error))
        except UnicodeDecodeError:
            self._end(NOT_UTF8, "a text that is not UTF-8")

    def pause_writing(self) -> None:
        if self._owner is not None:
            self._owner.on_unsent(True)

    def resume_writing(self) -> None:
        if self._owner is not None:
            self._owner.on_unsent(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._notify_lost(self._owner, "")

    def _end(self, code: int, reason: str) -> None:
        owner = self._owner
        self.close(code)
        self._notify_lost(owner, reason)

    def _notify_lost(self, owner: Owner | None, reason: str) -> None:
        self._owner = None
        if owner is not None:
            owner.on_lost(reason)


class Takeover(web.StreamResponse):
    """The response of a handler that took the connection over; aiohttp sends nothing for it."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        return None

    async def write_eof(self, data: bytes = b"") -> None: ...


class Upgraded(NamedTuple):
    """A connection that becomes a WebSocket.

    Args:
        reply: the response to its handshake, not sent yet.
        tail: bytes that arrived behind the handshake.
    """

    transport: asyncio.Transport
    reply: bytes
    tail: bytes


def take_over(request: web.Request) -> Upgraded:
    """Take a connection over from aiohttp, for `begin`; the handler then returns a `Takeover`.

    Raises:
        Refusal: the handshake is not valid.
        HTTPBadRequest: the client is gone.
    """
    headers = request.headers
    reply = answer(
        headers.get("Upgrade", ""),
        headers.get("Sec-WebSocket-Version", ""),
        headers.get("Sec-WebSocket-Key", ""),
        ",".join(headers.getall("Sec-WebSocket-Protocol", [])),
    )
    if reply is None:
        raise Refusal(Refused.UPGRADE, "This is no WebSocket handshake.")
    protocol = request.protocol
    transport = protocol.transport
    if transport is None:  # it left while a middleware waited
        raise web.HTTPBadRequest(text="The client is gone.\n")
    # To aiohttp the connection is lost, though it stays open: so it drops its objects.
    tail = protocol._message_tail  # noqa: SLF001 - not public
    protocol.transport = None
    protocol.connection_lost(None)
    transport.resume_reading()
    return Upgraded(transport, reply, tail)


def begin(
    transport: asyncio.Transport, first: bytes, max_bytes: int, max_unsent_bytes: int
) -> WebSocket:
    """Write `first`, which starts with the reply, and return the WebSocket that follows."""
    socket = WebSocket(max_bytes, max_unsent_bytes, transport)
    transport.set_protocol(socket)
    transport.write(first)
    return socket


def answer(upgrade: str, version: str, key: str, protocols: str) -> bytes | None:
    """Return the response to a handshake with these headers; None if they are not valid."""
    if upgrade.lower() != "websocket" or version != "13":
        return None
    try:
        if len(base64.b64decode(key, validate=True)) != 16:
            return None
    except (binascii.Error, ValueError):
        return None
    accepted = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest())
    selected = read_offered(protocols).selected
    protocol = f"Sec-WebSocket-Protocol: {selected}\r\n" if selected else ""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n%b\r\n"
        % (accepted, protocol.encode())
    )
