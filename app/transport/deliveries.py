"""Deliveries: which rooms have frames to write, and how many messages were handed to members."""

from __future__ import annotations

import asyncio
from typing import Protocol

from app.core.counters import Counters


class Flushable(Protocol):
    """A room with pending frames."""

    def flush_some(self) -> bool:
        """Write pending frames to so many members as have their turn; return whether more have."""


class Deliveries:
    """Flushes all rooms with pending frames together, one turn of the event loop later.

    Not at the end of the turn in which the first frame was sent, but after the next look at the
    sockets: what has arrived while that message was handled joins it, and costs its members no
    write (a system call) of their own.

    Args:
        counters: of what is delivered.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._rooms: list[Flushable] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def schedule(self, room: Flushable) -> None:
        """Flush a room soon."""
        if not self._rooms:
            # To find the running loop takes a system call (`getpid`), each time.
            self._loop = self._loop or asyncio.get_running_loop()
            self._loop.call_soon(self._wait_a_turn, self._loop)
        self._rooms.append(room)

    def count(self, number: int) -> None:
        """Count messages that were handed to members' connections."""
        self._counters.add_delivered(number)

    def _wait_a_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon(self._flush)

    def _flush(self) -> None:
        rooms, self._rooms = self._rooms, []
        for room in rooms:
            if room.flush_some():
                self.schedule(room)
