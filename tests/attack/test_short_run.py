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
QUIET_SECONDS: Final = 0.3

#: Those that are within their bounds; `make attack` says which aren't.
HELD: Final = (
    "leaving-many-channels",
    *("pings-unread", "pings-unread-plain", "pongs"),
    *("large-forbidden", "unknown-types"),
    "forged-offsets",
    *("garbage-frames", "long-headers", "polls-of-one-session", "refused-requests"),
    *("compressed-bodies", "half-frames-of-a-crowd", "preflights"),
    *("attachments-of-a-member", "nonces", "sessions-by-polling"),
    *("history-of-large-messages", "plain-with-large-history"),
    *("connections-of-one-token", "one-token-on-a-hundred-connections"),
    *("history-of-random-channels-redis", "presence-of-random-channels-redis", "slow-close"),
    *("acks", "acks-polling", "binary-acks", "heartbeats"),
    "stopped-process",
    *("requests-over-the-rate", "plain-over-the-rate"),
    *("feeds-of-large-logs", "metrics-labels", "resuming-chats"),
    *("half-sent-requests", "pipelined-unread", "slow-bodies"),
    *("large-emit", "unreadable-entry"),
    *("half-a-message", "attachments-before-connect"),
    "refused-tokens-in-headers",
    "a-crowd-leaves",
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
