"""One attack from beginning to end: the server, the bystander, the attackers, the figures."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from bench.attack.bystander import Bystander
from bench.attack.registry import Attack
from bench.attack.target import Target, target
from bench.attack.verdict import LEFT_BYTES, Measured
from bench.proc import cpu_seconds, peak_bytes, reset_peak, rss_bytes, starved_seconds
from bench.servers import BUILD, ROOT

QUIET_SECONDS: Final = 2.0  # in which the bystander is alone
_AFTERMATH_SECONDS: Final = 1.0  # what an attack that has ended may still do to others
_SETTLE_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.25
_OVERTIME_SECONDS: Final = 90.0
_PREPARE_SECONDS: Final = 180.0
_LINE_BYTES: Final = 10_000_000


class DidNotAttackError(RuntimeError):
    """The attackers failed by themselves: nothing was measured."""


async def measure(
    attack: Attack, seconds: float, arguments: Mapping[str, Any], quiet: float = QUIET_SECONDS
) -> Measured:
    """Run one attack.

    Args:
        seconds: how long.
        arguments: of the attack.
        quiet: seconds in which the bystander is alone, before.

    Raises:
        DidNotAttackError: the attackers have a fault.
    """
    log = BUILD / "logs" / f"attack-{attack.name}.log"
    with target(attack.settings, redis=attack.redis, deaf=attack.deaf, log=log) as server:
        bystander = Bystander()
        await bystander.begin(server.port)
        try:
            async with _attackers(attack, server, seconds, arguments) as attackers:
                await _line(attackers, _PREPARE_SECONDS)
                first = bystander.mark()
                await asyncio.sleep(quiet)
                begun = bystander.mark()
                before, logged = rss_bytes(server.pid), server.logged_bytes
                cpu, starved = cpu_seconds(server.pid), starved_seconds(server.pid)
                reset_peak(server.pid)
                assert attackers.stdin is not None
                attackers.stdin.write(b"go\n")
                done = await _line(attackers, seconds + _OVERTIME_SECONDS)
            await asyncio.sleep(_AFTERMATH_SECONDS)
            ended = bystander.mark()
            after = await _settled(server.pid, before + attack.kept_bytes)
        finally:
            await bystander.end()
        return Measured(
            attack=attack,
            before=before,
            peak=peak_bytes(server.pid),
            after=after,
            cpu=cpu_seconds(server.pid) - cpu,
            starved=starved_seconds(server.pid) - starved,
            own=bystander.felt(first, begun),
            felt=bystander.felt(begun, ended),
            closed=bystander.closed,
            logged=server.logged_bytes - logged,
            counts=done["counts"],
            broken=tuple(done["broken"]),
        )


@asynccontextmanager
async def _attackers(
    attack: Attack, server: Target, seconds: float, arguments: Mapping[str, Any]
) -> AsyncIterator[Process]:
    task = {
        "port": server.port,
        "pid": server.pid,
        "redis_url": server.redis.url if server.redis else None,
        "seconds": seconds,
        "arguments": dict(arguments),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.attack.attacker", attack.name, json.dumps(task)),
        cwd=ROOT,
        stdin=PIPE,
        stdout=PIPE,
        limit=_LINE_BYTES,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _line(attackers: Process, patience: float) -> dict[str, Any]:
    assert attackers.stdout is not None
    try:
        async with asyncio.timeout(patience):
            line = await attackers.stdout.readline()
    except TimeoutError:
        raise DidNotAttackError("the attackers did not come to an end") from None
    if not line:
        raise DidNotAttackError("the attackers ended early; see above")
    said: dict[str, Any] = json.loads(line)
    return said


async def _settled(pid: int, before: int) -> int:
    """Wait until the memory is what it was, or as long as one should wait for that."""
    for _look in range(int(_SETTLE_SECONDS / _LOOK_SECONDS)):
        if rss_bytes(pid) <= before + LEFT_BYTES:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    return rss_bytes(pid)


def results_path() -> Path:
    """Return where results are written if nothing else is said."""
    return BUILD / "attack.json"
