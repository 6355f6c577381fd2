"""HTTP and WebSocket by hand, on a TCP connection of the test's own: what no client would send."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Self

from aiohttp.test_utils import TestServer

from app.transport.frames import BINARY, CLOSE, PING, PONG, TEXT, Frame
from tests.support.client import PATIENCE_SECONDS

FIN = 0x80
PAUSE_SECONDS = 0.02  # on the wire, so that what follows is a TCP segment of its own


def masked(opcode: int, payload: bytes, *, first: int | None = None, key: bytes = b"") -> bytes:
    """Return one frame as clients send them (RFC 6455 §5.2).

    Args:
        first: the first byte, where it isn't that of a whole message.
    """
    key = key or os.urandom(4)
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65_536:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    long_key = int.from_bytes((key * (size // 4 + 1))[:size], "big")
    body = (int.from_bytes(payload, "big") ^ long_key).to_bytes(size, "big")
    return bytes([FIN | opcode if first is None else first]) + length + key + body


class Response(NamedTuple):
    """What HTTP answered."""

    status: int
    headers: dict[str, str]
    text: str


class RawConnection:
    """One TCP connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, server: TestServer, receive_buffer_bytes: int | None = None) -> Self:
        """Connect; a small receive buffer makes the server feel early that nobody reads."""
        plain = socket.socket()
        plain.setblocking(False)
        if receive_buffer_bytes is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        assert server.port is not None
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", server.port))
        limit = 65_536 if receive_buffer_bytes is None else receive_buffer_bytes
        return cls(*await asyncio.open_connection(sock=plain, limit=limit))

    async def request(
        self, method: str, path: str, *headers: str, pieces: Sequence[bytes] = ()
    ) -> Response:
        """Send a request whose body goes out in `pieces`, each a segment; return the response."""
        self.write_head(method, path, *headers)
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(PAUSE_SECONDS)
            self.writer.write(piece)
        return await self.response()

    def write_head(self, method: str, path: str, *headers: str) -> None:
        """Send a request's line and headers."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
        self.writer.write("\r\n".join(lines).encode())

    async def response(self) -> Response:
        """Read one response."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head[1:] if line)
            }
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Response(int(head[0].split()[1]), headers, body.decode())

    def close(self) -> None:
        """Drop the connection."""
        self.writer.transport.abort()


class RawWebSocket(RawConnection):
    """A WebSocket whose frames are the test's."""

    async def handshake(self, query: str = "EIO=4&transport=websocket") -> Response:
        """Send the handshake and return what answers it."""
        return await self.request(
            *("GET", f"/socket.io/?{query}", "Connection: Upgrade", "Upgrade: websocket"),
            *("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        )

    def write(self, packet: str | bytes) -> None:
        """Send one message."""
        if isinstance(packet, bytes):
            self.writer.write(masked(BINARY, packet))
        else:
            self.writer.write(masked(TEXT, packet.encode()))

    async def frame(self) -> Frame:
        """Read one frame, of whatever kind; servers send unmasked ones (§5.1)."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            first, size = await self.reader.readexactly(2)
            assert size < FIN
            assert first & FIN
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            return Frame(first & 0xF, await self.reader.readexactly(size))

    async def next(self) -> str | bytes:
        """Read one message; the protocol's own frames in between are skipped."""
        while True:
            opcode, payload = await self.frame()
            assert opcode != CLOSE, f"closed with {payload!r}"
            if opcode == TEXT:
                return payload.decode()
            if opcode == BINARY:
                return bytes(payload)

    async def until(self, beginning: str) -> list[str | bytes]:
        """Read up to the message that begins so; return all."""
        packets = [await self.next()]
        while not str(packets[-1]).startswith(beginning):
            packets.append(await self.next())
        return packets

    async def close_code(self) -> int:
        """Read to the end; return the code of the close frame, or 1006 where there was none."""
        try:
            while True:
                opcode, payload = await self.frame()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big")
        except (asyncio.IncompleteReadError, ConnectionError):
            return 1006

    async def closed(self) -> None:
        """Read until the server has closed the connection."""
        await self.close_code()

    async def answers_ping(self) -> bool:
        """Tell whether a PING frame (§5.5.2) is answered, as the next frame."""
        self.writer.write(masked(PING, b"?"))
        return await self.frame() == (PONG, b"?")

    async def engine(self, query: str = "EIO=4&transport=websocket") -> str:
        """Open an Engine.IO session of its own; return its id."""
        assert (await self.handshake(query)).status == 101
        opened = await self.next()
        sid: str = json.loads(opened[1:])["sid"]
        return sid


@asynccontextmanager
async def raw_websocket(
    server: TestServer, receive_buffer_bytes: int | None = None
) -> AsyncIterator[RawWebSocket]:
    """A connection, dropped at the end."""
    connection = await RawWebSocket.open(server, receive_buffer_bytes)
    try:
        yield connection
    finally:
        connection.close()


@asynccontextmanager
async def raw_http(server: TestServer) -> AsyncIterator[RawConnection]:
    """A connection, dropped at the end."""
    connection = await RawConnection.open(server)
    try:
        yield connection
    finally:
        connection.close()
