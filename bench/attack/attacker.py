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
from bench.attack.registry import load

_NICENESS: Final = 4  # the server and the bystander get the CPU that they ask for
_PREPARE_SECONDS: Final = 120.0


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
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(arena.seconds):
                await attack.run(arena, **arguments)
                await arena.hold()
    except OSError as error:  # it was thrown out: that's for the server to decide
        arena.counts[f"thrown out ({type(error).__name__})"] += 1
        await arena.hold()
    return {"counts": dict(arena.counts), "broken": arena.broken}


def _say(words: dict[str, Any]) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    os.nice(_NICENESS)
    _say(asyncio.run(play(sys.argv[1], json.loads(sys.argv[2]))))
