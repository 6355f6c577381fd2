"""The bounds that every attack is held to, and which of them it broke."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bench.attack.bystander import Felt
from bench.attack.registry import Attack, Who

MB: Final = 1_000_000
PEAK_BYTES: Final = 100 * MB
LEFT_BYTES: Final = 10 * MB
P99_MS: Final = 50.0
TIMES_ITS_OWN: Final = 5.0
LOG_BYTES: Final = 64_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One attack, measured.

    Args:
        before: memory of the server before the attack, in bytes; so `peak`, and `after` it.
        cpu: seconds of the server's, from the attack's beginning on.
        starved: seconds in which it had no CPU, though it was ready to run.
        own: what the bystander felt before.
        felt: what it felt meanwhile, and a second longer.
        closed: how many of its connections were closed.
        logged: bytes that the server logged meanwhile.
        counts: what the attackers did.
        broken: what they found that must not be.
    """

    attack: Attack
    before: int
    peak: int
    after: int
    cpu: float
    starved: float
    own: Felt
    felt: Felt
    closed: int
    logged: int
    counts: Mapping[str, int] = field(default_factory=dict)
    broken: tuple[str, ...] = ()

    def wrong(self, *, times: bool = True) -> list[str]:
        """Return the bounds that were broken.

        Args:
            times: whether latencies count.
        """
        attack, felt = self.attack, self.felt
        found = list(self.broken)
        if felt.lost or self.closed:
            found.append(f"lost {felt.lost}, refused {felt.refused}, closed {self.closed}")
        bound = max(P99_MS, TIMES_ITS_OWN * self.own.p99_ms)
        if times and attack.times and attack.who is not Who.CROWD and felt.p99_ms > bound:
            found.append(f"p99 {felt.p99_ms:.0f} ms")
        if (grown := self.peak - self.before - attack.kept_bytes) > PEAK_BYTES and (
            attack.who is not Who.CROWD
        ):
            found.append(f"peak +{grown / MB:.0f} MB")
        if (stays := self.after - self.before - attack.kept_bytes) > LEFT_BYTES:
            found.append(f"left +{stays / MB:.0f} MB")
        if self.logged > LOG_BYTES:
            found.append(f"logged {self.logged / 1000:.0f} kB")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return it for a file of results."""
        return {
            "name": self.attack.name,
            "kind": self.attack.kind,
            "who": self.attack.who.value,
            "before_bytes": self.before,
            "peak_bytes": self.peak,
            "after_bytes": self.after,
            "cpu_seconds": round(self.cpu, 2),
            "starved_seconds": round(self.starved, 2),
            "own": self.own._asdict(),
            "felt": self.felt._asdict(),
            "closed": self.closed,
            "logged_bytes": self.logged,
            "counts": dict(self.counts),
            "wrong": self.wrong(),
        }
