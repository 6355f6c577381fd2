"""The probe: a polling session's attempt to move to a WebSocket (Engine.IO protocol, "Upgrade").

The client sends `2probe` and gets `3probe`; its poll is released; with `5` it has moved. Until then
the session goes on polling, so a WebSocket that fails before costs nothing.
"""

from __future__ import annotations

import asyncio
from typing import Final

from app.engine.session import EngineSession
from app.transport.frames import FrameError
from app.transport.websocket import WebSocket

_TIMEOUT_SECONDS: Final = 10.0  # as the official server
#: For a client that is moving while its session is closed: to arrive, and to be told so.
_FAREWELL_SECONDS: Final = 2.0


class Probe:
    """The owner of a WebSocket until the session moves to it."""

    __slots__ = ("_session", "_socket", "_timer", "answered", "intake")

    def __init__(self, session: EngineSession, socket: WebSocket) -> None:
        self._session = session
        self._socket = socket
        self.intake = session.intake
        #: Whether `3probe` was sent.
        self.answered = False
        self._timer = asyncio.get_running_loop().call_later(_TIMEOUT_SECONDS, self.abandon)
        session.begin_upgrade(self)
        socket.attach(self)

    def on_text(self, text: str) -> None:
        if text == "2probe" and not self.answered:
            self._socket.send_text("3probe")
            self.answered = True
            self._session.release_poll()
        elif text == "5" and self.answered:
            self._timer.cancel()
            if self._session.closed:
                self._socket.write(self._session.take_unpolled())
                self.abandon()
            else:
                self._session.open_socket(self._socket)
        else:
            self.abandon()

    def on_binary(self, _data: bytes) -> None:
        self.abandon()

    def on_pong(self) -> None: ...

    def on_unsent(self, over_limit: bool) -> None: ...

    def on_flood(self) -> None: ...

    def on_unreadable(self, error: FrameError) -> None: ...

    def on_lost(self, reason: str) -> None:
        self.abandon()

    def on_session_closed(self) -> None:
        """Abandon the upgrade, but wait for a client that is already moving.

        `engine.io-client` has stopped polling by then. Without the close packet on its WebSocket
        it would wait for its ping timeout.
        """
        self._timer.cancel()
        if self.answered:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_FAREWELL_SECONDS, self.abandon)
        else:
            self.abandon()

    def abandon(self) -> None:
        """Close the WebSocket; the session goes on polling."""
        self._timer.cancel()
        self._session.abandon_upgrade()
        self._socket.close()
