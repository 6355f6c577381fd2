"""The listener in front of aiohttp, with a fast path for WebSocket handshakes.

aiohttp makes a parser, a task and a request object for each connection, and discards them when a
WebSocket takes it over: most of what a connecting client would cost. So each connection is
`Unidentified` at first, and its first bytes decide: a handshake that is valid beyond doubt is
answered at once, everything else goes to aiohttp, byte for byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

from aiohttp.tcp_helpers import tcp_nodelay

from app.core.proxies import Source
from app.engine.fast_handshake import FastHandshake, FastHandshakeReader
from app.engine.server import EngineServer
from app.transport.deadlines import Deadlines
from app.transport.gate import Gate
from app.transport.handshake import Handshake, remote_address
from app.transport.takeover import Upgraded

FIRST_BYTES_SECONDS: Final = 60.0
#: For what comes on the last connections that are possible.
LAST_SECONDS: Final = 2.0


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
        gate: judges handshakes; what it refuses goes to aiohttp too, where it stands as middleware.
            None lets in everything.
        first_bytes_seconds: seconds after which a silent connection is closed.
    """

    def __init__(
        self,
        engine: EngineServer,
        others: Callable[[], asyncio.Protocol],
        gate: Gate | None = None,
        first_bytes_seconds: float = FIRST_BYTES_SECONDS,
    ) -> None:
        self._engine = engine
        self._others = others
        self._gate = gate
        opens = engine.path and "websocket" in engine.transports
        self._read = FastHandshakeReader(engine.path).read if opens else _read_nothing
        self._silent: Deadlines[Unidentified] = Deadlines(first_bytes_seconds, _close)
        self._last: Deadlines[Unidentified] = Deadlines(LAST_SECONDS, self._close_last)
        self._closed = False

    def __call__(self) -> Unidentified:
        return Unidentified(self)

    def close(self) -> None:
        """Close the connections on which nothing has arrived, and every new one."""
        self._closed = True
        for silent in (*self._silent.clear(), *self._last.clear()):
            silent.transport.close()

    # Connections' events

    def on_connected(self, connection: Unidentified) -> None:
        """A connection is open."""
        if self._closed:
            connection.transport.close()
        elif self._gate is not None and self._gate.is_last(connection.transport):
            self._last.add(connection)
        else:
            self._silent.add(connection)

    def on_lost(self, connection: Unidentified) -> None:
        """A connection was lost before anything arrived."""
        self._discard(connection)

    def on_first_bytes(self, connection: Unidentified, data: bytes) -> None:
        """A connection's first bytes have arrived."""
        self._discard(connection)
        transport = connection.transport
        if not self._opens_websocket(transport, data):
            others = self._others()
            transport.set_protocol(others)
            others.connection_made(transport)
            others.data_received(data)

    def _discard(self, connection: Unidentified) -> None:
        self._silent.discard(connection)
        self._last.discard(connection)

    def _close_last(self, connection: Unidentified) -> None:
        if self._gate is not None:
            self._gate.tell_of_silent(connection.transport)
        connection.transport.close()

    def _opens_websocket(self, transport: asyncio.Transport, data: bytes) -> bool:
        read = self._read(data)
        if read is None:
            return False
        if self._gate is not None:
            source = self._gate.admit(read.headers, transport)
        else:
            source = Source(remote_address(transport.get_extra_info("peername")))
        if source is None:
            return False
        if not self._engine.counter.has_room(source.address):
            return False
        scheme = source.scheme
        if scheme is None:
            scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        handshake = Handshake("GET", read.target, source.address, scheme, read.headers.items())
        self._engine.open_websocket(handshake, Upgraded(transport, read.reply, read.rest))
        return True


def _close(connection: Unidentified) -> None:
    connection.transport.close()


def _read_nothing(_data: bytes) -> FastHandshake | None:
    return None
