"""The listener in front of aiohttp, with a fast path for WebSocket handshakes.

aiohttp makes a parser, a task and a request object for each connection, and discards them when a
WebSocket takes it over: most of what a connecting client would cost. So each connection is
`Unidentified` at first, and its first bytes decide: a handshake that is valid beyond doubt is
answered at once, everything else goes to aiohttp, byte for byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, cast

from aiohttp.tcp_helpers import tcp_nodelay

from app.engine.fast_handshake import FastHandshake, FastHandshakeReader
from app.engine.server import EngineServer
from app.transport.deadlines import Deadlines
from app.transport.handshake import Handshake, remote_address
from app.transport.websocket import Upgraded

FIRST_BYTES_SECONDS: Final = 60.0


class Unidentified(asyncio.Protocol):
    """The protocol of a TCP connection on which nothing has arrived yet."""

    __slots__ = ("_listener", "transport")

    transport: asyncio.Transport

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        tcp_nodelay(self.transport, True)  # as aiohttp does for its own connections
        self._listener.on_connected(self)

    def data_received(self, data: bytes) -> None:
        self._listener.on_first_bytes(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.on_lost(self)


class Listener:
    """The protocol factory of a listening server: makes an `Unidentified` for each connection.

    Args:
        engine: opens the sessions.
        others: makes aiohttp's protocol, for all other connections.
        admits: tells by its headers whether a request is let in; others go to aiohttp too, whose
            middleware refuses them. None lets in everything.
        first_bytes_seconds: seconds after which a silent connection is closed.
    """

    def __init__(
        self,
        engine: EngineServer,
        others: Callable[[], asyncio.Protocol],
        admits: Callable[[Mapping[str, str]], bool] | None = None,
        first_bytes_seconds: float = FIRST_BYTES_SECONDS,
    ) -> None:
        self._engine = engine
        self._others = others
        self._admits = admits
        opens = engine.path and "websocket" in engine.transports
        self._read = FastHandshakeReader(engine.path).read if opens else _read_nothing
        self._silent: Deadlines[Unidentified] = Deadlines(first_bytes_seconds, _close)
        self._closed = False

    def __call__(self) -> Unidentified:
        return Unidentified(self)

    def close(self) -> None:
        """Close the connections on which nothing has arrived, and every new one."""
        self._closed = True
        for silent in self._silent.clear():
            silent.transport.close()

    # Connections' events

    def on_connected(self, connection: Unidentified) -> None:
        """A connection is open."""
        if self._closed:
            connection.transport.close()
        else:
            self._silent.add(connection)

    def on_lost(self, connection: Unidentified) -> None:
        """A connection was lost before anything arrived."""
        self._silent.discard(connection)

    def on_first_bytes(self, connection: Unidentified, data: bytes) -> None:
        """A connection's first bytes have arrived."""
        self._silent.discard(connection)
        transport = connection.transport
        if not self._opens_websocket(transport, data):
            others = self._others()
            transport.set_protocol(others)
            others.connection_made(transport)
            others.data_received(data)

    def _opens_websocket(self, transport: asyncio.Transport, data: bytes) -> bool:
        read = self._read(data)
        if read is None or not (self._admits is None or self._admits(read.headers)):
            return False
        remote = remote_address(transport.get_extra_info("peername"))
        scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        handshake = Handshake("GET", read.target, remote, scheme, read.lines)
        self._engine.open_websocket(handshake, Upgraded(transport, read.reply, read.rest))
        return True


def _close(connection: Unidentified) -> None:
    connection.transport.close()


def _read_nothing(_data: bytes) -> FastHandshake | None:
    return None
