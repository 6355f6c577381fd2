"""TCP, HTTP and WebSocket frames by hand: an attacker sends what no library would."""

from __future__ import annotations

import asyncio
import socket
from typing import Final, Self

from app.transport.frames import BINARY, CLOSE, TEXT
from tests.support.raw import FIN, masked

CHUNK: Final = 65_536
_KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="

__all__ = ["CHUNK", "FIN", "Closed", "Socket", "WebSocket", "head", "masked"]


class Closed(ConnectionError):
    """The server closed the connection."""


def head(method: str, path: str, *headers: str) -> bytes:
    """Return a request's line and headers."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


class Socket:
    """One TCP connection, which nobody reads from unless it is told to.

    Args:
        plain: connected, and not blocking.
    """

    def __init__(self, plain: socket.socket) -> None:
        self._plain = plain
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._discarding: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, port: int, source: str = "127.0.0.1", receive_bytes: int = 0) -> Self:
        """Connect.

        Args:
            source: the address to come from.
            receive_bytes: of the kernel's buffer; 0: as it is.
        """
        plain = socket.socket()
        plain.setblocking(False)
        try:
            if receive_bytes:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.bind((source, 0))
            await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
        except BaseException:
            plain.close()
            raise
        return cls(plain)

    async def send(self, data: bytes) -> None:
        """Send all of it, as fast as the server reads."""
        await self._loop.sock_sendall(self._plain, data)

    async def receive(self) -> bytes:
        """Return some bytes.

        Raises:
            Closed: there are no more.
        """
        data = await self._loop.sock_recv(self._plain, CHUNK)
        if not data:
            raise Closed
        return data

    async def exactly(self, count: int) -> bytes:
        """Return so many bytes."""
        while len(self._received) < count:
            self._received += await self.receive()
        data = bytes(self._received[:count])
        del self._received[:count]
        return data

    async def until(self, mark: bytes) -> bytes:
        """Return everything up to a mark, and the mark."""
        searched = 0
        while (found := self._received.find(mark, searched)) < 0:
            searched = max(0, len(self._received) - len(mark))
            self._received += await self.receive()
        return await self.exactly(found + len(mark))

    async def response(self) -> tuple[int, bytes]:
        """Return the status and the body of one HTTP answer."""
        lines = (await self.until(b"\r\n\r\n")).decode().split("\r\n")
        size = 0
        for line in lines[1:]:
            name, _, value = line.partition(":")
            if name.lower() == "content-length":
                size = int(value)
        return int(lines[0].split()[1]), await self.exactly(size)

    def discard(self) -> None:
        """Read from now on, and forget what is read."""
        self._discarding = asyncio.create_task(self._discard())

    async def ended(self) -> None:
        """Read and forget until the server closes."""
        try:
            while True:
                await self.receive()
        except OSError:
            return

    def close(self) -> None:
        """Close at once, whatever is unread."""
        if self._discarding is not None:
            self._discarding.cancel()
        if (number := self._plain.fileno()) >= 0:
            # Whoever waits for this socket must not be woken by the next of the same number.
            self._loop.remove_reader(number)
            self._loop.remove_writer(number)
        self._plain.close()

    async def _discard(self) -> None:
        await self.ended()


class WebSocket(Socket):
    """A WebSocket on a connection of its own."""

    async def shake(self, path: str, *headers: str) -> None:
        """Make the handshake.

        Raises:
            Closed: it was refused.
        """
        await self.send(
            head(
                *("GET", path, "Connection: Upgrade", "Upgrade: websocket"),
                *("Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {_KEY}", *headers),
            )
        )
        status, _body = await self.response()
        if status != 101:
            raise Closed(f"answered {status}")

    async def text(self, message: str) -> None:
        """Send one message."""
        await self.send(masked(TEXT, message.encode()))

    async def frame(self) -> tuple[int, bytes]:
        """Return the next frame: its opcode and its payload."""
        first, size = await self.exactly(2)
        if size >= 126:
            size = int.from_bytes(await self.exactly(2 if size == 126 else 8), "big")
        return first & 0xF, await self.exactly(size)

    async def next(self) -> str:
        """Return the next message.

        Raises:
            Closed: the server closed.
        """
        while True:
            opcode, payload = await self.frame()
            if opcode == CLOSE:
                raise Closed(payload[2:].decode(errors="replace"))
            if opcode in (TEXT, BINARY):
                return payload.decode(errors="replace")

    async def starting(self, *beginnings: str) -> str:
        """Return the next message that begins with any of these; others are skipped."""
        while not (message := await self.next()).startswith(beginnings):
            if message == "2":
                await self.text("3")
        return message
