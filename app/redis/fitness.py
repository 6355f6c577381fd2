"""Fitness: properties of a Redis that break promises, told when it is connected to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

OLDEST: Final = (6, 2)


def problems(info: bytes) -> Iterator[str]:
    """Return what is wrong with a Redis, from its reply to `INFO`."""
    lines = info.decode(errors="replace").splitlines()
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield (
            f"its maxmemory-policy is {policy}, which removes messages that were acknowledged: "
            "set noeviction"
        )
    version = facts.get("redis_version", "")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers and numbers < OLDEST:
        yield f"its version is {version}: it is to be 6.2 or newer"
    if facts.get("cluster_enabled") == "1":
        yield "it is a cluster, which isn't supported"
