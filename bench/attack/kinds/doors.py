"""Doors beside the gate: frames and packets that no limit of requests counts."""

from __future__ import annotations

import asyncio
from typing import Final

from bench.attack.arena import Arena
from bench.attack.registry import Who, attack
from bench.attack.speech import event, pings, texts

_HANDS: Final = 4
_BATCH: Final = 500  # frames in one write


@attack("pings-unread", Who.STRANGER)
async def pings_unread(arena: Arena) -> None:
    """PINGs as fast as they go, whose PONGs nobody reads."""
    some = pings(_BATCH)

    async def ping(number: int) -> None:
        one = await arena.websocket(number=number, receive_bytes=4096)
        while True:
            await one.send(some)
            arena.counts["pings"] += _BATCH

    await arena.insist(1, ping)


@attack("pings", Who.STRANGER)
async def pings_read(arena: Arena, *, per_second: int = 4_500_000) -> None:
    """PINGs of 4.5 MB a second on four connections, and the PONGs are read."""
    some = pings(100)
    pause = len(some) * _HANDS / per_second

    async def ping(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        while True:
            await one.send(some)
            arena.counts["pings"] += 100
            await asyncio.sleep(pause)

    await arena.insist(_HANDS, ping)


@attack("acks", Who.MEMBER)
async def acks(arena: Arena) -> None:
    """Acknowledgements that nobody asked for, as fast as they go."""
    some = texts("43/circles,1[]", 2000)

    async def acknowledge(number: int) -> None:
        one = await arena.member(number=number)
        one.discard()
        while True:
            await one.send(some)
            arena.counts["acks"] += 2000

    await arena.insist(_HANDS, acknowledge)


@attack("requests-over-the-rate", Who.MEMBER)
async def requests_over_the_rate(arena: Arena) -> None:
    """`ping` events as fast as they go, far over the rate, each with an answer that is read."""
    some = texts(event("/circles", "ping", {}, 1), _BATCH)

    async def ask(number: int) -> None:
        one = await arena.member(number=number)
        one.discard()
        while True:
            await one.send(some)
            arena.counts["requests"] += _BATCH

    await arena.insist(1, ask)
