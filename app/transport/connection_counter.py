"""Counting connections, for servers that open and close them."""

from __future__ import annotations

from typing import Protocol

from app.core.errors import TooManyFromAddress
from app.core.quota import RETRY_SECONDS
from app.core.refused import Refusal, Refused
from app.transport.connection import Connection


class ConnectionCounter(Protocol):
    """Counts the connections of each address, and of whoever has connected.

    Whoever opens a connection, whatever becomes of it, calls `on_opened` and `on_closed` once.
    """

    def has_room(self, address: str) -> bool:
        """Tell whether one more connection from an address may be opened."""

    def on_opened(self, connection: Connection) -> None:
        """A connection is open."""

    def on_closed(self, connection: Connection) -> None:
        """A connection is closed; it counts no more from this moment."""


class Uncounted:
    """See `ConnectionCounter`; there is always room."""

    def has_room(self, address: str) -> bool:
        return True

    def on_opened(self, connection: Connection) -> None: ...

    def on_closed(self, connection: Connection) -> None: ...


def one_too_many() -> Refusal:
    """Return the refusal of a connection from an address that has no room."""
    return Refusal(Refused.ADDRESS, TooManyFromAddress.default_message, retry_after=RETRY_SECONDS)
