"""What connections tell of, and what they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from app.realtime.connection import Connection


#: Why the server closes a connection, for logs and metrics: what it needs is out of reach; its
#: session is another connection's by now.
UNAVAILABLE: Final = "unavailable"
SUPERSEDED: Final = "superseded"


class ProtocolError(ValueError):
    """What a client sent is not Engine.IO or Socket.IO; the connection ends."""


class Events(Protocol):
    """Who is told what happens to connections."""

    def on_pong(self, connection: Connection) -> None:
        """The client has answered a ping."""

    def on_message(self, connection: Connection, packet: str | bytes) -> None:
        """A message has arrived: text still behind its `4`. Raises `ProtocolError`."""

    def on_closed(self, connection: Connection, reason: str) -> None:
        """The connection is closed; it is told once."""
