"""Floods: the same bytes again and again, as fast as the server reads."""

from __future__ import annotations

from typing import Final

from bench.attack.arena import Arena
from bench.attack.registry import HANDS
from bench.attack.speech import texts
from bench.attack.wire import WebSocket

BATCH: Final = 500  # frames in one write


async def flood(
    arena: Arena, one: WebSocket, some: bytes, what: str, *, count: int = BATCH
) -> None:
    """Send until thrown out.

    Args:
        some: bytes of `count` things.
        what: they are counted as.
    """
    while True:
        await one.send(some)
        arena.counts[what] += count


async def flood_as_stranger(arena: Arena, some: bytes, what: str, *, count: int = BATCH) -> None:
    """Do so on the four WebSockets of a stranger, reading what is answered."""

    async def send(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        await flood(arena, one, some, what, count=count)

    await arena.insist(HANDS, send)


async def flood_as_member(arena: Arena, packet: str, hands: int = HANDS) -> None:
    """Do so with one packet in a circle, reading what is answered."""
    some = texts(packet, BATCH)

    async def send(number: int) -> None:
        one = await arena.member(number=number)
        one.discard()
        await flood(arena, one, some, "packets")

    await arena.insist(hands, send)


async def flood_plain(arena: Arena, path: str, frame: str, *, stranger: bool = False) -> None:
    """Do so with one frame on a plain path, reading what is answered."""
    some = texts(frame, BATCH)

    async def send(number: int) -> None:
        one = await arena.plain(path, None if stranger else arena.token(), number=number)
        one.discard()
        await flood(arena, one, some, "frames")

    await arena.insist(HANDS, send)
