"""Turns: what one connection has sent at once is much, and others wait for its end."""

from __future__ import annotations

import asyncio
import json
from typing import Final
from urllib.parse import quote

from bench.attack.arena import Arena
from bench.attack.registry import HISTORY_BYTES, Who, attack
from bench.attack.speech import SEPARATOR, event, post, texts

_FORM: Final = "Content-Type: application/x-www-form-urlencoded"


@attack("post-of-pongs", Who.STRANGER, short={"packets": 100_000})
async def post_of_pongs(arena: Arena, *, packets: int = 990_000) -> None:
    """One polling POST after the other, each of 990,000 pongs."""
    await _post(arena, ["3"] * packets)


@attack("post-of-empty-packets", Who.STRANGER, short={"packets": 100_000})
async def post_of_nothing(arena: Arena, *, packets: int = 1_900_000) -> None:
    """POSTs of nothing but separators."""
    await _post(arena, [""] * packets)


@attack("post-of-connects", Who.STRANGER, short={"packets": 5_000})
async def post_of_connects(arena: Arena, *, packets: int = 90_000) -> None:
    """POSTs of 90,000 CONNECTs without a token."""
    await _post(arena, ["40/circles,"] * packets)


@attack("post-of-binaries", Who.STRANGER, short={"packets": 20_000})
async def post_of_binaries(arena: Arena, *, packets: int = 300_000) -> None:
    """POSTs of 300,000 attachments that no packet has announced."""
    await _post(arena, ["beHh4"] * packets)


@attack("post-of-events", Who.MEMBER, short={"packets": 2_000})
async def post_of_events(arena: Arena, *, packets: int = 40_000) -> None:
    """POSTs of 40,000 requests of a member."""
    await _post(arena, [event("/circles", "ping", {}, 1)] * packets, member=True)


async def _post(arena: Arena, packets: list[str], *, member: bool = False) -> None:
    body = SEPARATOR.join(packets).encode()

    async def send(number: int) -> None:
        one, path = await arena.polling(number)
        if member:
            auth = json.dumps({"token": arena.token()})
            await one.send(post(path, f"40/circles,{auth}".encode()))
            await one.response()
        while True:
            await one.send(post(path, body))
            arena.counts["bodies"] += 1
            await one.response()

    await arena.insist(1, send)


@attack("jsonp-of-pongs", Who.STRANGER, short={"packets": 50_000})
async def jsonp_of_pongs(arena: Arena, *, packets: int = 300_000) -> None:
    """Forms of 300,000 pongs, as JSONP posts them."""
    body = ("d=" + quote(SEPARATOR.join(["3"] * packets))).encode()

    async def send(number: int) -> None:
        one, path = await arena.polling(number)
        while True:
            await one.send(post(f"{path}&j=0", body, _FORM))
            arena.counts["bodies"] += 1
            await one.response()

    await arena.insist(1, send)


@attack("jsonp-of-fields", Who.STRANGER, short={"fields": 20_000})
async def jsonp_of_fields(arena: Arena, *, fields: int = 300_000) -> None:
    """Forms of 300,000 fields."""
    body = b"&".join(b"f%d=" % number for number in range(fields // 2)) + b"&d=3"

    async def send(number: int) -> None:
        one, path = await arena.polling(number)
        while True:
            await one.send(post(f"{path}&j=0", body, _FORM))
            arena.counts["bodies"] += 1
            await one.response()

    await arena.insist(1, send)


@attack("jsonp-of-backslashes", Who.STRANGER, short={"size": 200_000})
async def jsonp_of_backslashes(arena: Arena, *, size: int = 1_900_000) -> None:
    """Forms of 1.9 MB of backslashes and line ends, which JSONP unescapes."""
    body = b"d=" + b"\\n" * (size // 2)

    async def send(number: int) -> None:
        one, path = await arena.polling(number)
        while True:
            await one.send(post(f"{path}&j=0", body, _FORM))
            arena.counts["bodies"] += 1
            await one.response()

    await arena.insist(1, send)


@attack("one-byte-segments", Who.STRANGER)
async def one_byte_segments(arena: Arena) -> None:
    """PINGs whose bytes come in segments of their own."""
    some = texts("3", 1)

    async def send(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        while True:
            for byte in some:
                await one.send(bytes([byte]))
                await asyncio.sleep(0)
            arena.counts["frames"] += 1

    await arena.insist(4, send)


@attack("a-crowd-leaves", Who.CROWD)
async def a_crowd_leaves(arena: Arena) -> None:
    """A hundred members of one circle that come and go at once, again and again."""

    async def come(number: int) -> None:
        one = await arena.member(token=arena.token(f"mallory-{number}"), number=number)
        await one.text(event("/circles", "join", {"channel": "den"}, 1))
        await one.starting("43/circles,1")
        arena.counts["joins"] += 1
        one.close()

    await arena.insist(100, come)


@attack("a-crowd-of-members", Who.CROWD, kept_bytes=HISTORY_BYTES)
async def a_crowd_of_members(arena: Arena, *, size: int = 20_000) -> None:
    """A hundred members of one circle, ten of which publish 20 kB as often as they may."""

    async def come(number: int) -> None:
        one = await arena.member(token=arena.token(f"mallory-{number}"), number=number)
        await one.text(event("/circles", "join", {"channel": "den"}, 1))
        await one.starting("43/circles,1")
        one.discard()
        if number >= 10:
            await arena.hold()
        message = {"channel": "den", "data": {"content": "x" * size}}
        frame = texts(event("/circles", "user_message", message, 1), 1)
        while True:
            await one.send(frame)
            arena.counts["messages"] += 1
            await asyncio.sleep(0.1)

    await arena.insist(100, come)
