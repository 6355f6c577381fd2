"""Engine.IO sessions of nobody's, and a handler that remembers what they hand on."""

from __future__ import annotations

from app.core.closing import Closing
from app.engine.session import EngineSession
from app.transport.flow import ProtocolError
from app.transport.handshake import Handshake
from app.transport.limits import Limits
from app.transport.websocket import WebSocket
from tests.support.transport import RecordingTransport


class RecordingHandler:
    """Remembers what a session tells its server and its handler; `4bad` is no message to it.

    As Socket.IO does, it lets acknowledgements overtake, and what is assembled.
    """

    def __init__(self) -> None:
        self.session: EngineSession
        self.messages: list[str | bytes] = []
        self.pongs = 0
        self.closed: list[Closing] = []
        self.assembling = False
        self.held: str | None = None  # the message that takes time

    def overtakes(self, message: str | bytes) -> bool:
        return self.assembling or (isinstance(message, str) and message.startswith(("43", "46")))

    def on_flood(self) -> None: ...

    def on_message(self, message: str | bytes) -> None:
        self.messages.append(message)
        self.assembling = message == "461-1[]"
        if message == self.held:
            self.session.hold_requests()
        elif message == "4bad":
            raise ProtocolError("a bad message")

    def on_closed(self, closing: Closing) -> None:
        self.closed.append(closing)


class _Server:
    """Keeps no sessions."""

    def __init__(self, handler: RecordingHandler) -> None:
        self._handler = handler

    def on_pong(self, session: EngineSession) -> None:
        self._handler.pongs += 1

    def on_closed(self, session: EngineSession, closing: Closing) -> None: ...


def new_session(
    handler: RecordingHandler | None = None, max_unsent_bytes: int = 1000, sid: str = "sid"
) -> EngineSession:
    """Return a session that polls."""
    handler = handler or RecordingHandler()
    handshake = Handshake("GET", "/socket.io/", "192.0.2.1", "http", [])
    session = EngineSession(sid, handshake, _Server(handler), Limits(1000, 2000, max_unsent_bytes))
    handler.session = session
    session.attach(handler)
    return session


def open_websocket(session: EngineSession) -> RecordingTransport:
    """Give a session a WebSocket; return what it writes to."""
    transport = RecordingTransport()
    session.open_socket(WebSocket(1000, 1000, transport))
    return transport
