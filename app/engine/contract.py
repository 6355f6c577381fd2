"""What a session needs: the protocol that is spoken over it, and where it moves to."""

from __future__ import annotations

from typing import Protocol

from app.core.closing import Closing


class SessionHandler(Protocol):
    """The protocol that is spoken over a session."""

    @property
    def assembling(self) -> bool:
        """Whether further messages belong to a packet that is incomplete."""

    def overtakes(self, message: str | bytes) -> bool:
        """Tell whether a message is handled at once, also while a request takes time."""

    def on_message(self, message: str | bytes) -> None:
        """A message has arrived; text still has its `4`. Raises `ProtocolError`."""

    def on_flood(self) -> None:
        """The client sends more than its intake; it isn't read for a moment."""

    def on_closed(self, closing: Closing) -> None:
        """The session is closed; called once."""


class Upgrade(Protocol):
    """A WebSocket that a session may move to."""

    @property
    def answered(self) -> bool:
        """Whether the client was told that it may move: its polls then return at once."""

    def on_session_closed(self) -> None:
        """The session was closed before it moved."""
