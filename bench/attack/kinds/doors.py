"""Doors beside the gate: frames and packets that no limit of requests counts."""

from __future__ import annotations

import asyncio

from app.transport.frames import BINARY, CLOSE, PONG
from bench.attack.arena import Arena
from bench.attack.floods import BATCH, flood
from bench.attack.registry import HANDS, Who, attack
from bench.attack.speech import fragments, pings, texts
from bench.attack.wire import masked


@attack("pings-unread", Who.STRANGER)
async def pings_unread(arena: Arena) -> None:
    """PINGs as fast as they go, whose PONGs nobody reads."""

    async def ping(number: int) -> None:
        one = await arena.websocket(number=number, receive_bytes=4096)
        await flood(arena, one, pings(BATCH), "pings")

    await arena.insist(1, ping)


@attack("pings-unread-plain", Who.STRANGER)
async def pings_unread_plain(arena: Arena) -> None:
    """The same on a plain WebSocket."""

    async def ping(number: int) -> None:
        one = await arena.plain("/ws/circles/den", number=number, receive_bytes=4096)
        await flood(arena, one, pings(BATCH), "pings")

    await arena.insist(1, ping)


@attack("pings", Who.STRANGER)
async def pings_read(arena: Arena, *, per_second: int = 4_500_000) -> None:
    """PINGs of 4.5 MB a second on four connections, and the PONGs are read."""
    some = pings(100)
    pause = len(some) * HANDS / per_second

    async def ping(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        while True:
            await one.send(some)
            arena.counts["pings"] += 100
            await asyncio.sleep(pause)

    await arena.insist(HANDS, ping)


@attack("pings-as-fast-as-they-go", Who.STRANGER)
async def pings_fast(arena: Arena) -> None:
    """Empty PINGs as fast as they go on four connections, and the PONGs are read."""

    async def ping(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        await flood(arena, one, pings(5000, 0), "pings", count=5000)

    await arena.insist(HANDS, ping)


@attack("pings-of-a-member", Who.MEMBER)
async def pings_of_a_member(arena: Arena) -> None:
    """The same by a member, on plain WebSockets."""

    async def ping(number: int) -> None:
        one = await arena.plain("/ws/channels", arena.token(), number=number)
        one.discard()
        await flood(arena, one, pings(5000, 0), "pings", count=5000)

    await arena.insist(HANDS, ping)


@attack("pongs", Who.STRANGER)
async def pongs(arena: Arena) -> None:
    """PONGs that nobody asked for, as fast as they go."""

    async def pong(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        await flood(arena, one, masked(PONG, b"") * 5000, "pongs", count=5000)

    await arena.insist(HANDS, pong)


@attack("empty-fragments", Who.STRANGER)
async def empty_fragments(arena: Arena) -> None:
    """One message of fragments without a byte in them, as fast as they go."""

    async def send(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        await one.send(fragments(0))
        await flood(arena, one, masked(0, b"", first=0) * 5000, "fragments", count=5000)

    await arena.insist(HANDS, send)


@attack("tiny-fragments", Who.STRANGER)
async def tiny_fragments(arena: Arena) -> None:
    """One message of fragments of one byte, up to its limit, again and again."""

    async def send(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        await one.send(fragments(0))
        await flood(arena, one, masked(0, b"x", first=0) * 5000, "fragments", count=5000)

    await arena.insist(HANDS, send)


@attack("empty-messages", Who.STRANGER)
async def empty_messages(arena: Arena) -> None:
    """Empty binary messages before any CONNECT, as fast as they go."""

    async def send(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        await flood(arena, one, masked(BINARY, b"") * BATCH, "messages")

    await arena.insist(HANDS, send)


@attack("frames-after-a-close", Who.STRANGER)
async def frames_after_a_close(arena: Arena) -> None:
    """CLOSE, and messages as fast as they go behind it; the server's CLOSE isn't read."""
    some = texts("3", BATCH)

    async def send(number: int) -> None:
        one = await arena.websocket(number=number, receive_bytes=4096)
        await one.send(masked(CLOSE, b"\x03\xe8"))
        await flood(arena, one, some, "frames")

    await arena.insist(HANDS, send)
