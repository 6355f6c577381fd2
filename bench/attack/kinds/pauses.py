"""Pauses: a process, or its Redis, that stands still for a while."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Final

from bench.attack.arena import Arena
from bench.attack.registry import Who, attack
from bench.attack.speech import event
from bench.attack.wire import WebSocket

_FAST_HEARTBEAT: Final = {"PING_SECONDS": "1", "PING_TIMEOUT_SECONDS": "1"}


@attack(
    "stopped-process",
    Who.WORKER,
    settings=_FAST_HEARTBEAT,
    times=False,
    seconds=7.0,
    short={"clients": 5, "pause": 0.3},
)
async def stopped_process(arena: Arena, *, clients: int = 60, pause: float = 3.0) -> None:
    """SIGSTOP for longer than a heartbeat takes: nobody who is well is closed by it."""
    closed = 0
    there = asyncio.Event()
    sockets: list[WebSocket] = []

    async def be(number: int) -> None:
        nonlocal closed
        one = await arena.member(token=arena.token(f"client-{number}"), number=number)
        sockets.append(one)
        arena.counts["clients"] += 1
        if len(sockets) == clients:
            there.set()
        try:
            while True:
                await one.starting("1", "41")  # it answers pings meanwhile
                raise ConnectionError
        except OSError:
            closed += 1

    tasks = [asyncio.create_task(be(number)) for number in range(clients)]
    await there.wait()
    os.kill(arena.pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(pause)
    finally:
        os.kill(arena.pid, signal.SIGCONT)
    await asyncio.sleep(max(0.0, arena.left - 0.5))
    arena.counts["closed"] = closed
    if closed:
        arena.broken.append(f"{closed} of {len(sockets)} healthy clients were closed")
    for task in tasks:
        task.cancel()


@attack("stopped-while-flooded", Who.WORKER, times=False, seconds=5.0)
async def stopped_while_flooded(arena: Arena, *, pause: float = 2.0) -> None:
    """SIGSTOP for two seconds, in which four connections send as much as they can."""
    frame = event("/circles", "ping", {}, 1)

    async def flood(number: int) -> None:
        one = await arena.member(number=number)
        one.discard()
        while True:
            await one.text(frame)
            arena.counts["requests"] += 1

    async def stop() -> None:
        await asyncio.sleep(0.5)
        os.kill(arena.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(pause)
        finally:
            os.kill(arena.pid, signal.SIGCONT)

    await asyncio.gather(stop(), arena.insist(4, flood))
