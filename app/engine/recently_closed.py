"""Recently closed sessions: whose late requests are no sign that a proxy lost its way."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from app.core.closing import Closing

_SECONDS: Final = 30.0
_MOST: Final = 10_000


class RecentlyClosed:
    """Why sessions of this process were closed: of the newest, for some seconds."""

    def __init__(self, seconds: float = _SECONDS, most: int = _MOST) -> None:
        self._seconds = seconds
        self._most = most
        self._closed: OrderedDict[str, tuple[Closing, float]] = OrderedDict()

    def add(self, sid: str, closing: Closing, now: float) -> None:
        """Remember a session that is closed now; the oldest one may be forgotten for it."""
        self._closed[sid] = (closing, now + self._seconds)
        if len(self._closed) > self._most:
            self._closed.popitem(last=False)

    def why(self, sid: str, now: float) -> Closing | None:
        """Return why a session was closed; None: it was closed long ago, or not here."""
        closing, until = self._closed.get(sid, (None, now))
        return closing if until > now else None
