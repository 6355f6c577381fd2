"""Fitness: properties of a Redis that break promises, told when it is connected to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import structlog

OLDEST: Final = (6, 2)
_CUTS: Final = "client_output_buffer_limit_disconnections"

log = structlog.get_logger("hearth.redis")


class Fitness:
    """What is known of a Redis. Each problem is told once.

    Args:
        host: of Redis, for the log.
        most_message_bytes: `MAX_MESSAGE_BYTES`.
    """

    def __init__(self, host: str, most_message_bytes: int) -> None:
        self._host = host
        self._most_message_bytes = most_message_bytes
        self._told: set[str] = set()
        self._cuts: int | None = None

    def on_info(self, info: bytes) -> None:
        """Tell what is wrong according to a reply to `INFO`."""
        for problem in problems(info):
            self._tell(problem)
        cuts = int(_facts(info).get(_CUTS, 0))
        if self._cuts is not None and cuts > self._cuts:
            log.error(
                "Redis has cut subscribers that were sent more than they could read",
                redis=self._host,
                cut=cuts - self._cuts,
                admitted_by="client-output-buffer-limit pubsub",
            )
        self._cuts = cuts

    def on_limits_reply(self, reply: asyncio.Future[Any]) -> None:
        """As `on_limits`; do nothing where the question was refused."""
        if not reply.cancelled() and reply.exception() is None:
            self.on_limits(reply.result())

    def on_limits(self, reply: Any) -> None:
        """Tell what is wrong according to a reply to `CONFIG GET client-output-buffer-limit`."""
        if (problem := limits_problem(reply, self._most_message_bytes)) is not None:
            self._tell(problem)

    def _tell(self, problem: str) -> None:
        if problem not in self._told:
            self._told.add(problem)
            log.warning("Redis is not set up as it should be", redis=self._host, reason=problem)


def problems(info: bytes) -> Iterator[str]:
    """Return what is wrong with a Redis, from its reply to `INFO`."""
    facts = _facts(info)
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


def is_read_only(info: bytes) -> bool:
    """Tell, from its reply to `INFO`, whether a Redis is a replica that takes no writes."""
    facts = _facts(info)
    return facts.get("role") == "slave" and facts.get("slave_read_only", "1") == "1"


def limits_problem(reply: Any, most_message_bytes: int) -> str | None:
    """Return what is wrong with the limits of what waits for subscribers, or None.

    Every process may send its window of large messages, or one that is larger, before a subscriber
    has read any of it.
    """
    try:
        words = reply[1].decode().split()
        at = words.index("pubsub")
        hard, soft = int(words[at + 1]), int(words[at + 2])
    except (LookupError, TypeError, ValueError, AttributeError):
        return None  # not known
    needs = 4 * most_message_bytes + 4 * 1024 * 1024
    if (hard and hard < 2 * needs) or (soft and soft < needs):
        return (
            f"its client-output-buffer-limit pubsub is {hard} {soft}: it cuts subscribers whom "
            f"messages of MAX_MESSAGE_BYTES reach together; set {2 * needs} {needs} 60, or more"
        )
    return None


def _facts(info: bytes) -> dict[str, str]:
    lines = info.decode(errors="replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)
