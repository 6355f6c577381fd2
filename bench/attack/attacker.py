"""The attackers' process: it prepares, says so, waits for the word, attacks, and tells what it did.

python -m bench.attack.attacker NAME '{"port": 8000, "pid": 1, "seconds": 5}'
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from typing import Any, Final

from bench.attack.arena import Arena
from bench.attack.registry import Attack, load

_NICENESS: Final = 4  # the server and the bystander get the CPU that they ask for
_PREPARE_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.02
_BEGIN_LOOKS: Final = 3_000  # by which something must have been done


async def play(name: str, task: dict[str, Any]) -> dict[str, Any]:
    """Attack, and return what was done."""
    attack = load()[name]
    arguments: dict[str, Any] = task.get("arguments", {})
    arena = Arena(task["port"], task["pid"], task.get("redis_url"), task["seconds"])
    if attack.prepare is not None:
        async with asyncio.timeout(_PREPARE_SECONDS):
            await attack.prepare(arena, **arguments)
    _say({"ready": True})
    await asyncio.to_thread(sys.stdin.readline)
    arena.begin()
    attacking = asyncio.ensure_future(_attack(attack, arena, arguments))
    await asyncio.wait([attacking], timeout=arena.seconds)
    for _look in range(_BEGIN_LOOKS):
        if attacking.done() or not arena.going:
            break
        await asyncio.wait([attacking], timeout=_LOOK_SECONDS)
    attacking.cancel()
    with suppress(asyncio.CancelledError):
        await attacking
    return {"counts": dict(arena.counts), "broken": arena.broken}


async def _attack(attack: Attack, arena: Arena, arguments: dict[str, Any]) -> None:
    try:
        await attack.run(arena, **arguments)
    except OSError as error:  # it was thrown out: that's for the server to decide
        arena.counts[f"thrown out ({type(error).__name__})"] += 1
    await arena.hold()


def _say(words: dict[str, Any]) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    os.nice(_NICENESS)
    _say(asyncio.run(play(sys.argv[1], json.loads(sys.argv[2]))))
