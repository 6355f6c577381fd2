"""The intake: how much one connection may send before it isn't read for a moment.

Requests over the rate limit are refused, and each refusal is an answer, which costs work. So who
goes on all the same, or floods with what isn't answered, is left waiting in its own TCP buffers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from app.core.rate import burst_of

#: What may arrive at once, in bursts of the rate limit: one is admitted, two are refused.
BURSTS: Final = 3
#: How much faster than the rate limit a connection is read: what is refused comes on top.
READ_RATES: Final = 2
MOST_PAUSE_SECONDS: Final = 1.0
_LEAST_PAUSE_SECONDS: Final = 0.05
#: A message of 2 ** 16 bytes counts as two.
_COST_SHIFT: Final = 16


class Intake:
    """What arrives on one connection: everything counts, control frames and acknowledgements too.

    Args:
        per_second: requests that the rate limit admits in a second; 0: no limit, and none here.
        clock: seconds of any origin.
    """

    __slots__ = ("_at", "_clock", "_most", "_rate", "left")

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = READ_RATES * per_second
        self._most = _most(per_second)
        self._clock = clock
        self._at = clock()
        #: How many more may arrive before `pause` is asked; whoever reads counts it down itself.
        self.left = self._most

    def go_on_at(self, per_second: float) -> None:
        """Go on at another rate limit; what more may arrive at once may do so now."""
        self._rate = READ_RATES * per_second
        before, self._most = self._most, _most(per_second)
        self.left = min(self._most, self.left + max(0.0, self._most - before))

    def take(self, size: int) -> None:
        """Count a message of so many bytes."""
        self.left -= 1 + (size >> _COST_SHIFT)

    def charge(self, messages: int) -> None:
        """Count so many messages more: what has arrived costs others as much."""
        self.left -= messages

    def give_back(self) -> None:
        """Count one message less: it was due."""
        self.left += 1

    def pause(self) -> float:
        """Return for how many seconds nothing more is to be read, once nothing is `left`."""
        now = self._clock()
        self.left = min(self._most, self.left + (now - self._at) * self._rate)
        self._at = now
        if self.left >= 0:
            return 0.0
        pause = max(_LEAST_PAUSE_SECONDS, -self.left / self._rate)
        return min(MOST_PAUSE_SECONDS, pause)


def _most(per_second: float) -> float:
    return BURSTS * burst_of(per_second) if per_second else math.inf
