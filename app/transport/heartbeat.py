"""The heartbeat: pings, and a deadline for each pong (Engine.IO protocol, "Heartbeat").

Stock runs a task per connection for this. All intervals are equal here, so two queues in the order
of their deadlines and one timer are enough.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from app.core.closing import Closing
from app.transport import frames
from app.transport.connection import Connection

_PING: Final = frames.encode(frames.TEXT, b"2")
_STEP_SECONDS: Final = 0.005
#: A timer that is later than that means that the process stood still (SIGSTOP, a moved machine).
_STOOD_STILL_SECONDS: Final = 1.0


@dataclass(slots=True, eq=False)
class _Deadline:
    """When a connection is to be pinged, or its pong is due; without one, it is not valid any more:
    it waits in its queue, and must not keep a closed connection until then."""

    connection: Connection | None
    at: float
    pinged: bool


class Heartbeat:
    """The heartbeat of a server's connections: those that don't answer in time are closed.

    Args:
        interval, timeout: seconds between pings, and for the pong.
        frame: the ping; an Engine.IO packet by default.
    """

    def __init__(self, interval: float, timeout: float, frame: bytes = _PING) -> None:
        self.interval = interval
        self.timeout = timeout
        self._frame = frame
        self._to_ping: deque[_Deadline] = deque()
        self._to_answer: deque[_Deadline] = deque()
        # The deadline of each connection. A pong appends a new one to the other queue, and the
        # old one is skipped when it is due: no queue is ever searched.
        self._due: dict[Connection, _Deadline] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._beats_at = 0.0
        # The time for which the process stood still: nobody answers for that.
        self._stood_still = 0.0

    def add(self, connection: Connection) -> None:
        """Ping `connection` from now on, until it is closed or discarded."""
        self._expect(connection, pinged=False, due_at=self._now() + self.interval)

    def discard(self, connection: Connection) -> None:
        """Stop pinging `connection`."""
        if (due := self._due.pop(connection, None)) is not None:
            due.connection = None

    def on_pong(self, connection: Connection) -> None:
        """Schedule the next ping; an unsolicited pong changes nothing."""
        due = self._due.get(connection)
        if due is not None and due.pinged:
            self._expect(connection, pinged=False, due_at=self._now() + self.interval)

    def overdue(self, connection: Connection) -> bool:
        """Tell whether a connection's pong is late, also if the timer hasn't noticed yet."""
        due = self._due.get(connection)
        return due is not None and due.pinged and due.at <= self._now()

    def stop(self) -> None:
        """Stop pinging all connections."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._to_ping.clear()
        self._to_answer.clear()
        self._due.clear()

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self._stood_still

    def _expect(self, connection: Connection, *, pinged: bool, due_at: float) -> None:
        if (former := self._due.get(connection)) is not None:
            former.connection = None
        due = self._due[connection] = _Deadline(connection, due_at, pinged)
        (self._to_answer if pinged else self._to_ping).append(due)
        if self._timer is None:
            self._schedule()
        elif due_at < self._beats_at:  # a ping that is due before the next pong
            self._timer.cancel()
            self._schedule()

    def _schedule(self) -> None:
        heads = [queue[0].at for queue in (self._to_ping, self._to_answer) if queue]
        if heads:
            self._beats_at = max(min(heads), self._now() + _STEP_SECONDS)
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._beats_at + self._stood_still, self._beat)

    def _beat(self) -> None:
        self._timer = None
        late = self._now() - self._beats_at
        if late > _STOOD_STILL_SECONDS:
            # A little more, for what has arrived is read before anybody is judged.
            self._stood_still += late + _STOOD_STILL_SECONDS
        now = self._now()
        while self._to_ping and self._to_ping[0].at <= now:
            due = self._to_ping.popleft()
            if (connection := due.connection) is not None:
                connection.ping(self._frame)
                # Counted from when the ping was due: a late timer doesn't lengthen the timeout.
                self._expect(connection, pinged=True, due_at=due.at + self.timeout)
        while self._to_answer and self._to_answer[0].at <= now:
            due = self._to_answer.popleft()
            if (connection := due.connection) is None:
                continue
            if connection.listening:
                connection.close(Closing.PING_TIMEOUT)
            else:  # its answer may be among what isn't read yet
                self._expect(connection, pinged=True, due_at=now + self.timeout)
        if self._timer is None:
            self._schedule()
