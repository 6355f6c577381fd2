"""HTTP requests that never end, or whose answers nobody reads."""

from __future__ import annotations

import asyncio
from typing import Final

from bench.attack.arena import Arena
from bench.attack.registry import HANDS, Who, attack
from bench.attack.speech import get
from bench.attack.wire import CHUNK, Socket, head

_LONG_SECONDS: Final = 16.0  # past any deadline of a request's headers


async def _count_open(arena: Arena, sockets: list[Socket], what: str) -> None:
    """Wait for the end, and tell how many the server still keeps open."""
    await asyncio.sleep(max(0.0, arena.left - 1.0))
    kept = 0
    for one in sockets:
        try:
            async with asyncio.timeout(0.01):
                await one.ended()
        except TimeoutError:
            kept += 1
    arena.counts["still open"] = kept
    if kept and arena.seconds >= _LONG_SECONDS:
        arena.broken.append(f"{kept} of {len(sockets)} {what} are open after {arena.seconds:.0f} s")


@attack("half-sent-requests", Who.CROWD, seconds=_LONG_SECONDS, short={"requests": 100})
async def half_sent_requests(arena: Arena, *, requests: int = 600) -> None:
    """600 requests whose headers don't end."""
    sockets = [await arena.tcp(number % 100) for number in range(requests)]
    for one in sockets:
        await one.send(head("GET", "/healthz", "X-Half: so")[:-2])
    arena.counts["requests"] = requests
    await _count_open(arena, sockets, "half-sent requests")


@attack("dripping-headers", Who.CROWD, seconds=_LONG_SECONDS, short={"requests": 100})
async def dripping_headers(arena: Arena, *, requests: int = 200) -> None:
    """200 requests whose headers come a byte a second."""

    async def drip(number: int) -> None:
        one = await arena.tcp(number)
        await one.send(head("GET", "/healthz")[:-2] + b"X-Slow: ")
        while arena.left > 1.0:
            await one.send(b"x")
            await asyncio.sleep(1.0)
        arena.counts["still open"] += 1

    await arena.each(requests, drip)
    if (kept := arena.counts["still open"]) and arena.seconds >= _LONG_SECONDS:
        arena.broken.append(f"{kept} dripping requests are open after {arena.seconds:.0f} s")


@attack("slow-bodies", Who.CROWD, short={"bodies": 30})
async def slow_bodies(arena: Arena, *, bodies: int = 100, size: int = 1_900_000) -> None:
    """A hundred POSTs of a polling session that send all of 1.9 MB but the last bytes."""

    async def send(number: int) -> None:
        one, path = await arena.polling(number)
        await one.send(head("POST", path, f"Content-Length: {size}"))
        await one.send(b"4" * (size - 10))
        arena.counts["bodies"] += 1
        await arena.hold()

    await arena.each(bodies, send)


@attack("slow-bodies-of-a-stranger", Who.STRANGER)
async def slow_bodies_of_a_stranger(arena: Arena, *, size: int = 1_900_000) -> None:
    """The same by four connections."""

    async def send(number: int) -> None:
        one, path = await arena.polling(number)
        await one.send(head("POST", path, f"Content-Length: {size}"))
        await one.send(b"4" * (size - 10))
        arena.counts["bodies"] += 1
        await arena.hold()

    await arena.each(HANDS, send)


@attack("endless-chunks", Who.STRANGER)
async def endless_chunks(arena: Arena) -> None:
    """Chunked bodies without an end, of a polling session."""

    async def send(number: int) -> None:
        one, path = await arena.polling(number)
        await one.send(head("POST", path, "Transfer-Encoding: chunked"))
        chunk = b"%x\r\n" % CHUNK + b"4" * CHUNK + b"\r\n"
        while True:
            await one.send(chunk)
            arena.counts["chunks"] += 1

    await arena.insist(HANDS, send)


@attack("bodies-of-tiny-chunks", Who.STRANGER)
async def tiny_chunks(arena: Arena) -> None:
    """Chunked bodies of one byte a chunk, of a polling session."""

    async def send(number: int) -> None:
        one, path = await arena.polling(number)
        await one.send(head("POST", path, "Transfer-Encoding: chunked"))
        while True:
            await one.send(b"1\r\n4\r\n" * 10_000)
            arena.counts["chunks"] += 10_000

    await arena.insist(HANDS, send)


@attack("bodies-for-pages", Who.STRANGER)
async def bodies_for_pages(arena: Arena) -> None:
    """Chunked bodies without an end, for a page that reads none."""

    async def send(number: int) -> None:
        one = await arena.tcp(number)
        one.discard()
        await one.send(head("GET", "/healthz", "Transfer-Encoding: chunked"))
        chunk = b"%x\r\n" % CHUNK + b"4" * CHUNK + b"\r\n"
        while True:
            await one.send(chunk)
            arena.counts["chunks"] += 1

    await arena.insist(HANDS, send)


@attack("pipelined-unread", Who.STRANGER)
async def pipelined_unread(arena: Arena) -> None:
    """Requests for /healthz one behind the other, whose answers nobody reads."""
    await _pipeline(arena, "/healthz")


@attack("metrics-unread", Who.STRANGER)
async def metrics_unread(arena: Arena) -> None:
    """Requests for /metrics one behind the other, whose answers nobody reads."""
    await _pipeline(arena, "/metrics")


@attack("pages-unread", Who.STRANGER)
async def pages_unread(arena: Arena) -> None:
    """Requests for the console one behind the other, whose answers nobody reads."""
    await _pipeline(arena, "/console/vendor/socket.io.esm.min.js")


async def _pipeline(arena: Arena, path: str) -> None:
    some = get(path) * 100

    async def ask(number: int) -> None:
        one = await arena.tcp(number, receive_bytes=4096)
        while True:
            await one.send(some)
            arena.counts["requests"] += 100

    await arena.insist(HANDS, ask)


@attack("requests-read", Who.STRANGER)
async def requests_read(arena: Arena) -> None:
    """Requests one behind the other for a page that isn't there, read as fast as they come."""
    some = get("/nothing/here") * 50

    async def ask(number: int) -> None:
        one = await arena.tcp(number)
        one.discard()
        while True:
            await one.send(some)
            arena.counts["requests"] += 50

    await arena.insist(HANDS, ask)


@attack("metrics-read", Who.STRANGER)
async def metrics_read(arena: Arena) -> None:
    """Requests for /metrics on four connections, as fast as they are answered."""

    async def ask(number: int) -> None:
        one = await arena.tcp(number)
        while True:
            await one.send(get("/metrics"))
            await one.response()
            arena.counts["requests"] += 1

    await arena.insist(HANDS, ask)
