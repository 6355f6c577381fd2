"""Some attacks of each kind, small and brief: counts and bytes are judged, latencies are not.

`make attack` has the others, at their size.
"""

from __future__ import annotations

from typing import Final

import pytest

from bench.attack.measure import measure
from bench.attack.registry import load

ATTACKS: Final = load()
SECONDS: Final = 1.0
QUIET_SECONDS: Final = 0.5

HELD: Final = (
    # doors
    "pings",
    "pongs",
    "empty-fragments",
)


def test_there_are_some_of_each_kind() -> None:
    assert {ATTACKS[name].kind for name in HELD} == {one.kind for one in ATTACKS.values()}


@pytest.mark.processes
@pytest.mark.parametrize("name", HELD)
async def test_nobody_else_is_hurt(name: str) -> None:
    attack = ATTACKS[name]
    measured = await measure(attack, SECONDS, attack.short, QUIET_SECONDS)
    assert measured.wrong(times=False) == []
    assert sum(measured.counts.values()) > 0, "nothing was attacked"
    assert measured.felt.sent > 0
