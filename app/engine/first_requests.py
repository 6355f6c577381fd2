"""First requests: a polling session whose client asks for nothing more is closed."""

from __future__ import annotations

import asyncio
from typing import Final

from app.core.closing import Closing
from app.engine.session import EngineSession
from app.transport.deadlines import Deadlines

#: A client polls as soon as it has a session. One that doesn't has gone, and its session would hold
#: memory until it is too late for a pong.
FIRST_REQUEST_SECONDS: Final = 10.0
#: After a pause of the process, in which what has arrived is read before anybody is judged.
_READ_SECONDS: Final = 1.0


class FirstRequests:
    """The sessions that were opened by polling, and whose clients have asked for nothing yet."""

    def __init__(self, seconds: float = FIRST_REQUEST_SECONDS) -> None:
        self._expected: set[EngineSession] = set()
        self._due: Deadlines[EngineSession] = Deadlines(seconds, self._on_late)

    def expect(self, session: EngineSession) -> None:
        """Close a session, unless `discard` is called in time."""
        self._expected.add(session)
        self._due.add(session)

    def discard(self, session: EngineSession) -> None:
        """Expect nothing of a session: its client has asked, or it is closed."""
        self._expected.discard(session)
        self._due.discard(session)

    def _on_late(self, session: EngineSession) -> None:
        asyncio.get_running_loop().call_later(_READ_SECONDS, self._close, session)

    def _close(self, session: EngineSession) -> None:
        if session in self._expected:
            session.close(Closing.PING_TIMEOUT)
