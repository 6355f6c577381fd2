"""Ping every connection, and end those that don't answer (Engine.IO protocol, "Heartbeat").

Stock keeps a task per connection for this. All intervals are the same, so two queues in the order
of their deadlines and one timer do.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from app.core.closing import Closing
from app.transport import frames
from app.transport.flow import Flow

_PING: Final = frames.encode(frames.TEXT, b"2")
_STEP_SECONDS: Final = 0.005


class Heartbeat:
    """Args:
    interval, timeout: seconds between pings, and for the answer to one.
    frame: the ping; an Engine.IO packet by default.
    """

    def __init__(self, interval: float, timeout: float, frame: bytes = _PING) -> None:
        self.interval = interval
        self.timeout = timeout
        self._frame = frame
        # Each with the deadline it was put in for: a pong moves a connection to the other queue
        # without being searched in the first.
        self._to_ping: deque[tuple[float, Flow]] = deque()
        self._to_answer: deque[tuple[float, Flow]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._beats_at = 0.0

    def add(self, connection: Flow) -> None:
        """Ping `connection` from now on, until it is closed."""
        self._expect(connection, pinged=False, due_at=self._now() + self.interval)

    def on_pong(self, connection: Flow) -> None:
        """Note an answer; one that nothing asked for changes nothing."""
        if connection.pinged:
            self._expect(connection, pinged=False, due_at=self._now() + self.interval)

    def overdue(self, connection: Flow) -> bool:
        """Tell whether a connection's answer is late, whenever the timer comes to see it."""
        return connection.pinged and connection.due_at <= self._now()

    def stop(self) -> None:
        """Ping nobody any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._to_ping.clear()
        self._to_answer.clear()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _expect(self, connection: Flow, *, pinged: bool, due_at: float) -> None:
        connection.pinged = pinged
        connection.due_at = due_at
        (self._to_answer if pinged else self._to_ping).append((due_at, connection))
        if self._timer is None:
            self._schedule()
        elif due_at < self._beats_at:  # where pings are due sooner than the answers to others
            self._timer.cancel()
            self._schedule()

    def _schedule(self) -> None:
        heads = [queue[0][0] for queue in (self._to_ping, self._to_answer) if queue]
        if heads:
            loop = asyncio.get_running_loop()
            self._beats_at = max(min(heads), loop.time() + _STEP_SECONDS)
            self._timer = loop.call_at(self._beats_at, self._beat)

    def _beat(self) -> None:
        self._timer = None
        now = self._now()
        while self._to_ping and self._to_ping[0][0] <= now:
            due_at, connection = self._to_ping.popleft()
            if not connection.closed and connection.due_at == due_at:
                connection.ping(self._frame)
                # From when it was due: a timer that is late doesn't lengthen the time-out.
                self._expect(connection, pinged=True, due_at=due_at + self.timeout)
        while self._to_answer and self._to_answer[0][0] <= now:
            due_at, connection = self._to_answer.popleft()
            if not connection.closed and connection.due_at == due_at:
                connection.close(Closing.PING_TIMEOUT)
        if self._timer is None:
            self._schedule()
