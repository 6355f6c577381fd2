"""What is measured, and one run of it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.auth import DEVELOPMENT_SECRET, make_token
from app.core.identity import Identity, parse_grants
from bench.servers import BUILD, LOAD_CPU, Running, Server

Result = dict[str, float]

FAULTS: Final = ("gaps", "duplicates", "strays", "dropped")
_RUN_SECONDS: Final = 400.0
_MAX_CONNECTIONS: Final = 10_001
_HOURS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a scenario, by its key in what bench/load prints.

    Args:
        unit: written after it.
        more_is_better: which way its ratio to Node's counts; None: no ratio is shown.
    """

    key: str
    unit: str
    more_is_better: bool | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A row of the table.

    Args:
        load: which of bench/load's scenarios it is.
        figures: what its cells show.
        processes: of the server; several share a Redis.
        recovers: whether members ask to be restored when their connection is lost.
        saturates: the server has always more to do, so a share of CPU below 1 was taken by others.
    """

    name: str
    title: str
    load: str
    connections: int
    figures: tuple[Figure, ...]
    rooms: int = 1
    outstanding: int = 4
    processes: int = 1
    recovers: bool = False
    saturates: bool = False

    def suits(self, server: Server) -> bool:
        """Tell whether it can be run on a server."""
        return (server.spreads or self.processes == 1) and (server.recovers or not self.recovers)


_DELIVERIES = (
    Figure("deliveries_per_second", "/s", more_is_better=True),
    Figure("server_us_per_delivery", " µs", more_is_better=False),
)
_SPREAD_DELIVERIES = (*_DELIVERIES, Figure("redis_us_per_delivery", " µs of Redis"))
_LATENCIES = (
    Figure("p50_ms", " ms", more_is_better=False),
    Figure("p99_ms", " ms", more_is_better=False),
    Figure("server_us_per_delivery", " µs", more_is_better=False),
)
_ACKS = (
    Figure("acks_per_second", "/s", more_is_better=True),
    Figure("server_us_per_ack", " µs", more_is_better=False),
)
_CONNECTIONS = (
    Figure("connections_per_second", "/s", more_is_better=True),
    Figure("server_us_per_connection", " µs", more_is_better=False),
    Figure("kilobytes_per_connection", " KB", more_is_better=False),
)
_STALL = (Figure("longest_stall_ms", " ms", more_is_better=False),)

SCENARIOS: Final = (
    Scenario("fanout-100", "one room of 100", "fanout", 100, _DELIVERIES, saturates=True),
    Scenario("fanout-1000", "one room of 1,000", "fanout", 1000, _DELIVERIES, saturates=True),
    Scenario("fanout-5000", "one room of 5,000", "fanout", 5000, _DELIVERIES, saturates=True),
    Scenario(
        "fanout-1000x16",
        "one room of 1,000, 16 messages outstanding",
        "fanout",
        1000,
        _DELIVERIES,
        outstanding=16,
        saturates=True,
    ),
    Scenario(
        "rooms",
        "100 rooms of 10, 1 message outstanding in each",
        "fanout",
        1000,
        _DELIVERIES,
        rooms=100,
        outstanding=1,
        saturates=True,
    ),
    Scenario(
        "recover-1000",
        "one room of 1,000 that can be restored",
        "fanout",
        1000,
        _DELIVERIES,
        recovers=True,
        saturates=True,
    ),
    Scenario(
        "redis-1000",
        "2 processes and Redis: one room of 1,000",
        "fanout",
        1000,
        _SPREAD_DELIVERIES,
        processes=2,
        saturates=True,
    ),
    Scenario(
        "redis-rooms",
        "2 processes and Redis: 100 rooms of 10",
        "fanout",
        1000,
        _SPREAD_DELIVERIES,
        rooms=100,
        outstanding=1,
        processes=2,
        saturates=True,
    ),
    Scenario("paced", "1,000 members, 20 messages/s: p50, p99", "paced", 1000, _LATENCIES),
    Scenario("ack", "events with ack, 100 connections", "ack", 100, _ACKS, saturates=True),
    Scenario("connect", "5,000 connect and join rooms of 10", "connect", 5000, _CONNECTIONS, 500),
    Scenario("leave", "10,000 of one room leave at once: longest stall", "connect", 10_000, _STALL),
)


class RunError(Exception):
    """A run came to no result; the message is what bench/load said."""


def run(scenario: Scenario, server: Server, target: Running, seconds: float) -> Result:
    """Let bench/load run a scenario on its own CPU and return its figures.

    Raises:
        RunError: it couldn't; a server that loses messages is no error but in the figures.
    """
    protocol = "recovering" if scenario.recovers else server.protocol
    command = (
        *("taskset", "-c", str(LOAD_CPU), str(BUILD / "load"), scenario.load),
        *("--port", _listed(target.ports), "--server-pid", _listed(target.pids)),
        *(() if target.redis_pid is None else ("--redis-pid", str(target.redis_pid))),
        *("--protocol", protocol, "--tokens", str(_tokens())),
        *("--connections", str(scenario.connections), "--rooms", str(scenario.rooms)),
        *("--outstanding", str(scenario.outstanding), "--seconds", str(seconds)),
    )
    try:
        done = subprocess.run(command, capture_output=True, timeout=_RUN_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise RunError(f"no end after {_RUN_SECONDS:.0f} s") from None
    if not done.stdout:
        raise RunError(done.stderr.decode(errors="replace").strip()[:300])
    figures: Result = json.loads(done.stdout)
    return figures


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _tokens() -> Path:
    """Return a file with a token for each connection: everybody is somebody else."""
    path = BUILD / "tokens"
    now = time.time()
    # They are good for a day; a run takes less than an hour.
    if not path.exists() or path.stat().st_mtime < now - 20 * _HOURS:
        grants = parse_grants(["*:*:rw"])
        path.write_text(
            "".join(
                make_token(
                    DEVELOPMENT_SECRET, Identity(f"user-{i}", "user", grants, now + 24 * _HOURS)
                )
                + "\n"
                for i in range(_MAX_CONNECTIONS)
            )
        )
    return path
