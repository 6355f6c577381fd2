"""Handshakes and headers: names, origins, subprotocols and encodings that somebody has to read."""

from __future__ import annotations

import asyncio
import zlib

from app.transport.frames import TEXT
from bench.attack.arena import POLLING, SOCKETIO, Arena
from bench.attack.registry import HANDS, Who, attack
from bench.attack.speech import get, post
from bench.attack.wire import FIN, head, masked

_COMPRESSED = 0x40  # RSV1 (RFC 7692 §7.2.3.1)
_UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")


async def _requests(arena: Arena, some: bytes, count: int) -> None:
    """Send the same requests as fast as they go, and read what is answered."""

    async def ask(number: int) -> None:
        one = await arena.tcp(number)
        one.discard()
        while True:
            await one.send(some)
            arena.counts["requests"] += count

    await arena.insist(HANDS, ask)


async def squeeze(arena: Arena, *, size: int = 300_000_000) -> None:
    """Have a body of some kilobytes that is of so many bytes once it is decompressed."""
    squeezer = zlib.compressobj(1)
    block = b"4" * 1_000_000
    parts = [squeezer.compress(block) for _block in range(size // len(block))]
    arena.kept["body"] = b"".join(parts) + squeezer.flush()


@attack("compressed-bodies", Who.STRANGER, prepare=squeeze, short={"size": 150_000_000})
async def compressed_bodies(arena: Arena, *, size: int = 300_000_000) -> None:
    """A body of 1.3 MB that is of 300 MB once it is decompressed, of a polling session."""

    async def send(number: int) -> None:
        one, path = await arena.polling(number)
        while True:
            await one.send(post(path, arena.kept["body"], "Content-Encoding: deflate"))
            arena.counts["bodies"] += 1
            await one.response()

    await arena.insist(1, send)


@attack("compressed-frames", Who.STRANGER, prepare=squeeze, short={"size": 150_000_000})
async def compressed_frames(arena: Arena, *, size: int = 300_000_000) -> None:
    """Frames that say that they are compressed, with the same."""
    frame = masked(TEXT, arena.kept["body"], first=FIN | _COMPRESSED | TEXT)

    async def send(number: int) -> None:
        one = await arena.websocket(
            SOCKETIO, "Sec-WebSocket-Extensions: permessage-deflate", number=number
        )
        await one.send(frame)
        arena.counts["frames"] += 1
        await one.ended()

    await arena.insist(1, send)


@attack("refused-origins", Who.STRANGER)
async def refused_origins(arena: Arena) -> None:
    """Requests of pages of ever new origins, in other scripts, as fast as they go."""

    async def ask(number: int) -> None:
        one = await arena.tcp(number)
        one.discard()
        begun = 0
        while True:
            some = b"".join(
                get(POLLING, f"Origin: https://xn--mnchen-3ya-{begun + n}.example")
                for n in range(50)
            )
            begun += 50
            await one.send(some)
            arena.counts["requests"] += 50

    await arena.insist(HANDS, ask)


@attack("preflights", Who.STRANGER)
async def preflights(arena: Arena) -> None:
    """CORS preflights of a foreign page, as fast as they go."""
    request = head(
        *("OPTIONS", POLLING, "Origin: https://a.example"),
        *("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-a"),
    )
    await _requests(arena, request * 50, 50)


@attack("unknown-methods", Who.STRANGER)
async def unknown_methods(arena: Arena) -> None:
    """Requests of methods that Engine.IO doesn't have, as fast as they go."""
    await _requests(arena, head("DELETE", POLLING) * 50, 50)


@attack("many-headers", Who.STRANGER)
async def many_headers(arena: Arena) -> None:
    """Requests with 120 headers each, as fast as they go."""
    headers = [f"X-{number}: {'x' * 100}" for number in range(120)]
    await _requests(arena, get(POLLING, *headers) * 10, 10)


@attack("many-parameters", Who.STRANGER)
async def many_parameters(arena: Arena) -> None:
    """Requests whose queries have a thousand parameters, as fast as they go."""
    query = "&".join(f"p{number}=1" for number in range(1000))
    await _requests(arena, get(f"{POLLING}&{query}") * 10, 10)


@attack("encoded-paths", Who.STRANGER)
async def encoded_paths(arena: Arena) -> None:
    """Plain paths of 7 kB in percent-encoding, as fast as they go."""
    await _requests(arena, get("/ws/circles/" + "%C3%A9" * 1100) * 10, 10)


@attack("many-subprotocols", Who.STRANGER)
async def many_subprotocols(arena: Arena) -> None:
    """Handshakes with a thousand subprotocols each, as fast as they go."""
    protocols = ", ".join(f"p{number}" for number in range(1000))

    async def ask(number: int) -> None:
        while True:
            one = await arena.websocket(
                SOCKETIO, f"Sec-WebSocket-Protocol: {protocols}", number=number
            )
            arena.counts["handshakes"] += 1
            one.close()

    await arena.insist(HANDS, ask)


@attack("half-handshakes", Who.CROWD)
async def half_handshakes(arena: Arena) -> None:
    """A hundred WebSocket handshakes that don't end."""

    async def come(number: int) -> None:
        one = await arena.tcp(number)
        await one.send(head("GET", SOCKETIO, *_UPGRADE)[:-2])
        arena.counts["handshakes"] += 1
        await arena.hold()

    await arena.each(100, come)


@attack("silent-connections", Who.CROWD)
async def silent_connections(arena: Arena, *, connections: int = 500) -> None:
    """Five hundred connections on which nothing comes."""

    async def come(number: int) -> None:
        await arena.tcp(number % 100)
        arena.counts["connections"] += 1

    await arena.each(connections, come)


@attack("half-frames-of-a-crowd", Who.CROWD)
async def half_frames(arena: Arena, *, size: int = 1_900_000) -> None:
    """A hundred WebSockets without a token, each with a frame of 1.9 MB less its last byte."""
    frame = masked(TEXT, b"4" * size)[:-1]

    async def come(number: int) -> None:
        one = await arena.websocket(number=number)
        await one.send(frame)
        arena.counts["frames"] += 1
        await arena.hold()

    await arena.each(100, come)


@attack("expecting-to-continue", Who.STRANGER)
async def expecting(arena: Arena) -> None:
    """POSTs that wait for 100 Continue and then send nothing, one behind the other."""

    async def ask(number: int) -> None:
        one, path = await arena.polling(number)
        one.discard()
        await one.send(head("POST", path, "Content-Length: 1000000", "Expect: 100-continue"))
        arena.counts["requests"] += 1
        await asyncio.sleep(0.2)

    await arena.insist(HANDS, ask)


@attack("posts-at-once", Who.STRANGER)
async def posts_at_once(arena: Arena, *, posts: int = 20, size: int = 1_900_000) -> None:
    """Many POSTs of one polling session at a time, each of 1.9 MB less its last byte."""
    _first, path = await arena.polling()

    async def send(number: int) -> None:
        one = await arena.tcp(number % HANDS)
        await one.send(post(path, b"4" * size)[:-1])
        arena.counts["bodies"] += 1
        await arena.hold()

    await arena.each(posts, send)
