"""The pace of requests: no more of them than the server takes from one connection."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

# The server's bucket holds twice as much. What is on its way for a while and then arrives at once
# has room in the other half.
BURST_SECONDS: Final = 1.0
# Clocks differ a little.
SHARE: Final = 0.98
# Of a limit that the server doesn't tell: its bucket is empty then, and has to fill again, or each
# request that is a moment early is refused.
LEARNED_SHARE: Final = 0.5
MEMBERSHIP: Final = frozenset({"join", "leave"})


class Pace:
    """A token bucket like the server's (`MESSAGES_PER_SECOND`), so that it refuses nothing.

    Those who wait get their turns in the order in which they came; but joining and leaving, of
    which there may be thousands after a reconnect, and all other requests have a line each, and the
    lines take turns.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._per_second = 0.0  # no limit
        self._most = self._left = 1.0
        self._counted_at = self._resumes_at = self._loop.time()
        # The line whose turn it is comes first.
        self._members: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._lines = [self._members, self._others]
        self._timer: asyncio.TimerHandle | None = None

    def limit(self, per_second: float) -> None:
        """Allow so many requests a second; 0 sets no limit."""
        self._per_second = per_second * SHARE
        self._most = self._left = max(1.0, per_second * BURST_SECONDS)
        self._counted_at = self._loop.time()

    def pause(self, seconds: float) -> None:
        """Wait: the server has refused a request, and takes the next one after `seconds`."""
        if self._per_second == 0.0 and seconds > 0:
            # An older server that doesn't tell its limit: it has room for one request by then.
            self.limit(LEARNED_SHARE / seconds)
        self._left = min(self._left, 0.0)
        self._resumes_at = max(self._resumes_at, self._loop.time() + seconds)

    async def turn(self, event: str) -> None:
        """Return when a request may be sent."""
        turn = self._loop.create_future()
        (self._members if event in MEMBERSHIP else self._others).append(turn)
        self._give()
        await turn

    def end(self) -> None:
        """Let everybody go on: the connection is lost."""
        self._per_second, self._resumes_at = 0.0, 0.0
        self._give()

    def _give(self) -> None:
        """Give turns to whom they are due, and come again for the next one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while True:
            for line in self._lines:
                while line and line[0].done():  # who gave up
                    line.popleft()
            if not (waiting := [line for line in self._lines if line]):
                return
            if (wait := self._wait()) > 0:
                self._timer = self._loop.call_later(wait, self._give)
                return
            self._left -= 1
            waiting[0].popleft().set_result(None)
            self._lines.sort(key=lambda line: line is waiting[0])

    def _wait(self) -> float:
        now = self._loop.time()
        if (pause := self._resumes_at - now) > 0:
            return pause
        if self._per_second == 0.0:
            return 0.0
        counted_at = max(self._counted_at, self._resumes_at)
        self._left = min(self._most, self._left + (now - counted_at) * self._per_second)
        self._counted_at = now
        return max(0.0, (1 - self._left) / self._per_second)
