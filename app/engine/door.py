"""In front of aiohttp: who plainly opens a WebSocket gets it at once, all others go on to aiohttp.

To aiohttp a connection is a parser, a task and a request object, all of which are thrown away when
a WebSocket takes it over: most of what a client that comes would cost. So here each connection is
first at a door, which looks at the first bytes and then is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

from aiohttp.tcp_helpers import tcp_nodelay

from app.engine.opening import Opening, OpeningReader
from app.engine.server import EngineServer
from app.transport.deadlines import Deadlines
from app.transport.handshake import Handshake, remote_address
from app.transport.websocket import Upgraded

FIRST_BYTES_SECONDS: Final = 60.0


class Door(asyncio.Protocol):
    """The protocol of a TCP connection on which nothing has arrived yet."""

    __slots__ = ("_doors", "transport")

    transport: asyncio.Transport

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        tcp_nodelay(self.transport, True)  # aiohttp does so for connections that pass this on
        self._doors.wait(self)

    def data_received(self, data: bytes) -> None:
        self._doors.let_in(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._doors.forget(self)


class Doors:
    """Makes a `Door` for each connection of a listening server.

    Args:
        engine: opens the sessions.
        others: makes aiohttp's protocol, for all other connections.
        serves: tells whether a `Host` is answered; who is refused goes to aiohttp as well, whose
            middleware then says so.
        first_bytes_seconds: who has sent nothing for so long is closed.
    """

    def __init__(
        self,
        engine: EngineServer,
        others: Callable[[], asyncio.Protocol],
        serves: Callable[[str], bool] | None = None,
        first_bytes_seconds: float = FIRST_BYTES_SECONDS,
    ) -> None:
        self._engine = engine
        self._others = others
        self._serves = serves
        opens = engine.path and "websocket" in engine.transports
        self._read = OpeningReader(engine.path).read if opens else _read_nothing
        self._silent: Deadlines[Door] = Deadlines(first_bytes_seconds, _close)
        self._closed = False

    def __call__(self) -> Door:
        return Door(self)

    def close(self) -> None:
        """Close the connections on which nothing has arrived, and those that still come."""
        self._closed = True
        for door in self._silent.clear():
            door.transport.close()

    # What doors tell

    def wait(self, door: Door) -> None:
        """A connection has come."""
        if self._closed:
            door.transport.close()
        else:
            self._silent.add(door)

    def forget(self, door: Door) -> None:
        """A connection has gone without a word."""
        self._silent.discard(door)

    def let_in(self, door: Door, data: bytes) -> None:
        """A connection's first bytes have arrived."""
        self._silent.discard(door)
        if not self._opens_websocket(door.transport, data):
            others = self._others()
            door.transport.set_protocol(others)
            others.connection_made(door.transport)
            others.data_received(data)

    def _opens_websocket(self, transport: asyncio.Transport, data: bytes) -> bool:
        opening = self._read(data)
        if opening is None or not (self._serves is None or self._serves(opening.headers["host"])):
            return False
        handshake = Handshake(
            *("GET", opening.target, remote_address(transport.get_extra_info("peername"))),
            *("https" if transport.get_extra_info("sslcontext") else "http", opening.lines),
        )
        if "origin" in opening.headers and not self._engine.allows_origin(handshake.environ):
            return False
        self._engine.open_websocket(handshake, Upgraded(transport, opening.reply, opening.rest))
        return True


def _close(door: Door) -> None:
    door.transport.close()


def _read_nothing(_data: bytes) -> Opening | None:
    return None
