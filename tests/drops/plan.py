"""How a connection is lost, by chance, but the same for each seed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Final, NamedTuple

#: How often each comes in one round; in which order is chance.
ROUND: Final = {
    "client closes": 2,
    "server closes": 2,
    "cut": 1,  # reset for both
    "half open": 1,  # nothing comes through, and nobody is told
    "stranded": 1,  # half open for the server alone: the client is back before it notices
    "unheard": 1,  # half open from the client to the server, which closes
    "server killed": 1,
    "server ended": 1,
}
DROPS_IN_ROUND: Final = sum(ROUND.values())

#: The longest that a client which is back has before it is dropped again.
_LONGEST_WAIT_SECONDS: Final = 0.6
#: How often it is dropped again as soon as it has a transport, whatever it has by then.
_HASTE: Final = 0.25


class Drop(NamedTuple):
    """One that comes `wait` seconds after the client has recovered from the one before.

    Args:
        away: for how many seconds the client can't come back.
        elsewhere: whether it comes back to another process.
        hasty: whether the one after this doesn't wait until the client has recovered.
    """

    wait: float
    kind: str
    away: float
    elsewhere: bool
    hasty: bool


def plan(seed: int, count: int, away: tuple[float, float]) -> Iterator[Drop]:
    """Return so many drops, one round after the other.

    Args:
        away: from how many seconds to how many the client is kept away.
    """
    randomly = random.Random(seed)

    def drops() -> Iterator[Drop]:
        while True:
            kinds = [kind for kind, times in ROUND.items() for _ in range(times)]
            randomly.shuffle(kinds)
            for kind in kinds:
                yield Drop(
                    randomly.uniform(0.0, _LONGEST_WAIT_SECONDS),
                    kind,
                    randomly.uniform(*away),
                    randomly.random() < 0.5,
                    randomly.random() < _HASTE,
                )

    return itertools.islice(drops(), count)
