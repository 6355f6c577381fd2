"""Garbage: bytes that are no HTTP, no frame or no packet, and the log of it."""

from __future__ import annotations

from bench.attack.arena import POLLING, Arena
from bench.attack.registry import HANDS, Who, attack
from bench.attack.speech import get
from bench.attack.wire import CHUNK, Closed, head


@attack("long-headers", Who.STRANGER)
async def long_headers(arena: Arena) -> None:
    """Headers without an end, of lines of 1 kB."""
    lines = b"".join(b"X-%d: " % number + b"x" * 1000 + b"\r\n" for number in range(100))

    async def send(number: int) -> None:
        one = await arena.tcp(number)
        one.discard()
        await one.send(head("GET", POLLING)[:-2])
        while True:
            await one.send(lines)
            arena.counts["kilobytes"] += 100

    await arena.insist(HANDS, send)


@attack("long-request-lines", Who.STRANGER)
async def long_request_lines(arena: Arena) -> None:
    """A request line without an end."""

    async def send(number: int) -> None:
        one = await arena.tcp(number)
        one.discard()
        await one.send(b"GET /")
        while True:
            await one.send(b"x" * CHUNK)
            arena.counts["kilobytes"] += CHUNK // 1000

    await arena.insist(HANDS, send)


@attack("refused-requests", Who.STRANGER)
async def refused_requests(arena: Arena) -> None:
    """Requests that Engine.IO refuses, each with a reason, as fast as they go."""
    requests = b"".join(
        get(f"/socket.io/?{query}")
        for query in (
            *("EIO=4&transport=polling&sid=nobody", "EIO=3&transport=polling"),
            *("EIO=4&transport=pigeon", "EIO=4&transport=websocket"),
        )
    )

    async def ask(number: int) -> None:
        one = await arena.tcp(number)
        one.discard()
        while True:
            await one.send(requests)
            arena.counts["requests"] += 4

    await arena.insist(HANDS, ask)


@attack("garbage", Who.STRANGER)
async def garbage(arena: Arena) -> None:
    """Connections whose first bytes are no HTTP, each refused, as fast as they go."""

    async def send(number: int) -> None:
        while True:
            one = await arena.tcp(number)
            await one.send(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
            arena.counts["connections"] += 1
            await one.ended()
            one.close()

    await arena.insist(HANDS, send)


@attack("garbage-frames", Who.STRANGER)
async def garbage_frames(arena: Arena) -> None:
    """WebSockets whose first frame breaks the protocol, each closed, as fast as they go."""

    async def send(number: int) -> None:
        while True:
            one = await arena.websocket(number=number)
            await one.send(b"\xff" * 20)
            arena.counts["connections"] += 1
            await one.ended()
            one.close()

    await arena.insist(HANDS, send)


@attack("garbage-packets", Who.STRANGER)
async def garbage_packets(arena: Arena) -> None:
    """WebSockets whose first message is no packet, each closed, as fast as they go."""

    async def send(number: int) -> None:
        while True:
            one = await arena.websocket(number=number)
            await one.text("4[9,")
            arena.counts["connections"] += 1
            await one.ended()
            one.close()

    await arena.insist(HANDS, send)


@attack("stderr-unread", Who.STRANGER, deaf=True)
async def stderr_unread(arena: Arena, *, connections: int = 100_000) -> None:
    """Garbage while nobody reads what the server logs."""

    async def send(number: int) -> None:
        for _time in range(connections // HANDS):
            one = await arena.websocket(number=number)
            await one.text("4[9,")
            arena.counts["connections"] += 1
            await one.ended()
            one.close()

    await arena.insist(HANDS, send)


@attack("polls-of-one-session", Who.STRANGER)
async def polls_of_one_session(arena: Arena) -> None:
    """Many polls of one session at a time, which is against the protocol."""
    _first, path = await arena.polling()

    async def poll(number: int) -> None:
        one = await arena.tcp(number)
        while True:
            await one.send(get(path))
            arena.counts["polls"] += 1
            status, _body = await one.response()
            if status != 200:
                raise Closed

    await arena.insist(HANDS, poll)
