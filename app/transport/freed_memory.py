"""Freed memory: what the C library keeps of it goes back to the system.

After a burst, glibc keeps freed memory that isn't at the end of its heap. The process looks as if
it had leaked: 120 MB, of which 40 MB were free, after two seconds of requests with large headers.
"""

from __future__ import annotations

import ctypes
import resource
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from app.tasks import Tasks

CHECK_SECONDS: Final = 2.0
#: Giving back takes some 5 ms for each 100 MB, in which nothing else runs: only after such growth,
#: which is freed nobody knows when. So it is tried again, less and less often.
LEAST_GROWTH_BYTES: Final = 4 * 1024 * 1024
GROWN_PART: Final = 8
#: How many checks are left out after each time.
PAUSES: Final = (*[0] * 8, 1, 2, 4, 8, 16, 32, 64)
_STATM: Final = Path("/proc/self/statm")


class FreedMemory:
    """Has freed memory given back, whenever the process has grown.

    Args:
        resident: returns the memory of the process, in bytes; 0 where that isn't known.
        give_back: gives back what can be.
    """

    def __init__(self, resident: Callable[[], int], give_back: Callable[[], object]) -> None:
        self._resident = resident
        self._give_back = give_back
        self._least = resident()
        self._pauses: deque[int] = deque()  # after each of the times that it is still to be tried
        self._left = 0  # checks until the next of them
        self._tasks = Tasks("freed memory")

    @classmethod
    def of_process(cls) -> Self:
        """Return that of this process; nothing is done where the C library can't."""
        return cls(_resident_bytes, _give_back)

    def start(self) -> None:
        """Look at the process from now on."""
        self._tasks.every(CHECK_SECONDS, self.check)

    async def close(self) -> None:
        """Stop looking."""
        await self._tasks.cancel()

    def check(self) -> None:
        """Give back, if the process has grown, or did so lately."""
        resident = self._resident()
        self._least = min(self._least, resident)
        if resident - self._least > max(LEAST_GROWTH_BYTES, self._least // GROWN_PART):
            self._pauses = deque(PAUSES)
            self._left = 0
        if self._left > 0:
            self._left -= 1
        elif self._pauses:
            self._give_back()
            self._least = self._resident()
            self._left = self._pauses.popleft()


def _resident_bytes() -> int:
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:  # not Linux
        return 0
    return pages * resource.getpagesize()


def _give_back() -> None:
    with suppress(AttributeError, OSError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)
