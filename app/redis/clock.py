"""Redis's clock, as far as it is known here: deadlines are instants of it."""

from __future__ import annotations

from app.core.errors import Unavailable


class RedisClock:
    """The clock of the Redis that is connected to, compared with the event loop's."""

    def __init__(self) -> None:
        self._offset: float | None = None  # Redis's minus the loop's, in seconds

    def at(self, loop_time: float) -> float:
        """Return what Redis's clock shows at a time of the loop's, or a bit less.

        Raises:
            Unavailable: it isn't known.
        """
        if self._offset is None:
            raise Unavailable
        return loop_time + self._offset

    def read(self, reply: list[bytes], sent_at: float, now: float) -> None:
        """Learn from a reply to `TIME`, asked for at `sent_at`, both times of the loop's."""
        # Redis read its clock between sending and now, which bounds the offset; a slow reply
        # bounds it loosely. Of what is possible the least is used: a deadline may be early, but
        # never late.
        at = int(reply[0]) + int(reply[1]) / 1_000_000
        least, most = at - now, at - sent_at
        before = self._offset
        self._offset = least if before is None else max(least, min(before, most))

    def forget(self) -> None:
        """Know nothing of it: the connection is lost."""
        self._offset = None
