"""The verdict over an attack: each bound that is broken is named, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.attack.bystander import Felt
from bench.attack.registry import Attack, Who
from bench.attack.verdict import LEFT_BYTES, LOG_BYTES, MB, PEAK_BYTES, Measured

CALM = Felt(sent=100, lost=0, refused=0, p50_ms=1.0, p99_ms=4.0, worst_ms=9.0)


async def nothing(_arena: object) -> None:
    """Do nothing."""


def attack(who: Who = Who.STRANGER, **options: Any) -> Attack:
    return Attack("an-attack", "a-kind", who, nothing, "Nothing", **options)


HARMLESS = Measured(
    attack=attack(),
    before=60 * MB,
    peak=60 * MB + PEAK_BYTES,
    after=60 * MB + LEFT_BYTES,
    cpu=1.0,
    starved=0.0,
    own=CALM,
    felt=CALM,
    closed=0,
    logged=LOG_BYTES,
)


def test_what_is_at_its_bounds_is_within_them() -> None:
    assert HARMLESS.wrong() == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"peak": HARMLESS.peak + MB}, "peak +101 MB"),
        ({"after": HARMLESS.after + MB}, "left +11 MB"),
        ({"felt": CALM._replace(lost=1)}, "lost 1, refused 0, closed 0"),
        ({"closed": 1}, "lost 0, refused 0, closed 1"),
        ({"felt": CALM._replace(p99_ms=51.0)}, "p99 51 ms"),
        ({"logged": LOG_BYTES + 1000}, "logged 65 kB"),
        ({"broken": ("a secret was read",)}, "a secret was read"),
    ],
)
def test_a_broken_bound_is_named(change: dict[str, Any], named: str) -> None:
    assert replace(HARMLESS, **change).wrong() == [named]


def test_a_bystander_that_was_slow_before_may_be_five_times_as_slow() -> None:
    slow = CALM._replace(p99_ms=20.0)
    assert replace(HARMLESS, own=slow, felt=CALM._replace(p99_ms=99.0)).wrong() == []
    assert replace(HARMLESS, own=slow, felt=CALM._replace(p99_ms=101.0)).wrong() == ["p99 101 ms"]


def test_a_short_run_judges_no_latency() -> None:
    late = replace(HARMLESS, felt=CALM._replace(p99_ms=9000.0))
    assert late.wrong(times=False) == []


def test_what_the_server_was_asked_to_keep_is_not_held_against_it() -> None:
    kept = attack(kept_bytes=50 * MB)
    more = replace(HARMLESS, peak=HARMLESS.peak + 50 * MB, after=HARMLESS.after + 50 * MB)
    assert len(more.wrong()) == 2
    assert replace(more, attack=kept).wrong() == []


def test_a_crowd_may_take_memory_and_time_while_it_is_there() -> None:
    crowd = replace(HARMLESS, attack=attack(Who.CROWD), peak=1000 * MB)
    assert replace(crowd, felt=CALM._replace(p99_ms=500.0)).wrong() == []
    assert replace(crowd, closed=1).wrong() == ["lost 0, refused 0, closed 1"]
    assert replace(crowd, after=1000 * MB).wrong() == ["left +940 MB"]
