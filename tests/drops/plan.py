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

#: The longest that a client which has recovered is left in peace.
_PEACE_SECONDS: Final = 0.6
#: How often it isn't, but is dropped soon after it has a transport, amid whatever it then does.
_HASTE: Final = 0.25
_HASTE_SECONDS: Final = 0.05


class Drop(NamedTuple):
    """One of them.

    Args:
        hasty: whether it comes as soon as the client has a transport again, and not only when it
            has recovered from the one before.
        wait: so many seconds after that.
        away: for how many seconds the client can't come back.
        elsewhere: whether it comes back to another process.
    """

    kind: str
    hasty: bool
    wait: float
    away: float
    elsewhere: bool


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
                hasty = randomly.random() < _HASTE
                wait = randomly.uniform(0.0, _HASTE_SECONDS if hasty else _PEACE_SECONDS)
                yield Drop(kind, hasty, wait, randomly.uniform(*away), randomly.random() < 0.5)

    return itertools.islice(drops(), count)
