"""Window: bounds the bytes of large commands that are on their way to Redis.

All commands share one connection, on which a small one waits for the large ones before it. So few
large ones are sent at a time, and the others wait here for their turn. By how much was sent when
each came, and how large it is, turns are fair: one that is small for a large one overtakes those
that came just before it, and none is overtaken for ever.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import Final, TypeVar

from app.core.errors import Unavailable
from app.tasks import Tasks

#: Larger commands are counted; one publisher's next command waits for each.
SMALL_BYTES: Final = 16 * 1024
#: Redis takes a few milliseconds for so much.
MOST_BYTES: Final = 2 * 1024 * 1024

Read = TypeVar("Read")


class Window:
    """The window of one connection.

    Args:
        most_bytes: of large commands that are on their way at a time; one that is larger goes
            alone.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._used = 0
        self._sent = 0  # in all, since the beginning
        self._numbers = count()
        self._waiting: list[tuple[int, int, int, asyncio.Future[None]]] = []
        #: Whether the connection takes no more for now, not even small commands.
        self.congested = False
        self._is_open = False
        self._tasks = Tasks("large commands")

    @property
    def used_bytes(self) -> int:
        """How many bytes are on their way."""
        return self._used

    @property
    def waiting_bytes(self) -> int:
        """How many bytes wait for their turn."""
        return sum(size for _rank, _number, size, _turn in self._waiting)

    def congest(self, congested: bool) -> None:
        """Set `congested`."""
        self.congested = congested
        self._go_on()

    async def run(
        self,
        size: int,
        begin: Callable[[], asyncio.Future[Read]],
        settled: Callable[[], Awaitable[None]] | None = None,
    ) -> Read:
        """Begin a command when it is its turn, and return its result.

        Args:
            size: in bytes.
            begin: sends it.
            settled: after the reply, the turn of the next ones comes when this is done: so what
                commands publish can't pile up in Redis either.

        Raises:
            Unavailable: as `enter` and `begin`.
        """
        taken = await self.enter(size)
        try:
            result = await begin()
        except BaseException:
            self.leave(taken)
            raise
        if settled is None:
            self.leave(taken)
        else:
            self._tasks.add(self._leave_when(settled, taken))
        return result

    async def enter(self, size: int) -> int:
        """Wait for the turn of a command; it is to be sent before anything else is waited for.

        Args:
            size: in bytes.

        Returns:
            What `leave` is to be called with, once the command has been answered.

        Raises:
            Unavailable: Redis is away or doesn't answer, now or in the meantime.
        """
        if not self._is_open:
            raise Unavailable
        size = min(size, self._most_bytes)
        if self._waiting or not self._has_room(size):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (self._sent + size, next(self._numbers), size, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled() and turn.exception() is None:
                    self.leave(size)
                raise
        else:
            self._take(size)
        return size

    def leave(self, size: int) -> None:
        """Have the next ones take their turns."""
        self._used -= size
        self._go_on()

    async def _leave_when(self, settled: Callable[[], Awaitable[None]], size: int) -> None:
        try:
            with suppress(Unavailable):
                await settled()
        finally:
            self.leave(size)

    def open(self) -> None:
        """Redis answers."""
        self._is_open = True

    def close(self) -> None:
        """Refuse all, now and until `open`: Redis is away, or doesn't answer."""
        self._is_open = False
        waiting, self._waiting = self._waiting, []
        for _rank, _number, _size, turn in waiting:
            if not turn.done():
                turn.set_exception(Unavailable())

    def _has_room(self, size: int) -> bool:
        return not self.congested and self._used + size <= self._most_bytes

    def _take(self, size: int) -> None:
        self._used += size
        self._sent += size

    def _go_on(self) -> None:
        while self._waiting:
            _rank, _number, size, turn = self._waiting[0]
            if not turn.done() and not self._has_room(size):
                return
            heapq.heappop(self._waiting)
            if not turn.done():  # else whoever waited was cancelled
                self._take(size)
                turn.set_result(None)
