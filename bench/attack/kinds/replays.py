"""Replays: a short request that has much sent again, to somebody who doesn't read."""

from __future__ import annotations

import asyncio
import json
from typing import Final

import redis.asyncio

from bench.attack.arena import Arena
from bench.attack.registry import FREELY, HANDS, HISTORY_BYTES, Who, attack
from bench.attack.speech import event, said

_CHAT: Final = "flow/app/one"
_PATH: Final = f"/ws/{_CHAT}/_"


async def fill_chat(arena: Arena, *, messages: int = 200, size: int = 100_000) -> None:
    """Have a chat of 20 MB."""
    one = await arena.member("/chat")
    message = {"channel": _CHAT, "data": {"content": "x" * size}}
    for _message in range(messages):
        await one.text(event("/chat", "user_message", message, 1))
        await one.starting("43/chat,1")
    one.close()


@attack("resuming-chats", Who.MEMBER, prepare=fill_chat, settings=FREELY, short={"messages": 50})
async def resuming_chats(arena: Arena, *, messages: int = 200, size: int = 100_000) -> None:
    """`client.resume` from the beginning of a chat of 20 MB, again and again, and nobody reads."""

    async def resume(number: int) -> None:
        one = await arena.plain(_PATH, arena.token(), number=number, receive_bytes=4096)
        for _time in range(100):
            await one.text('{"type":"client.resume","lastClientIndex":0}')
            arena.counts["requests"] += 1
        await arena.hold()

    await arena.insist(HANDS, resume)


@attack(
    "resuming-chats-read", Who.MEMBER, prepare=fill_chat, settings=FREELY, short={"messages": 50}
)
async def resuming_chats_read(arena: Arena, *, messages: int = 200, size: int = 100_000) -> None:
    """The same, and everything is read."""

    async def resume(number: int) -> None:
        one = await arena.plain(_PATH, arena.token(), number=number)
        one.discard()
        while True:
            await one.text('{"type":"client.resume","lastClientIndex":0}')
            arena.counts["requests"] += 1
            await asyncio.sleep(0.011)

    await arena.insist(HANDS, resume)


async def fill_feeds(arena: Arena, *, messages: int = 100, size: int = 500_000) -> None:
    """Have logs of 50 MB."""
    assert arena.redis_url is not None
    client = redis.asyncio.Redis.from_url(arena.redis_url)
    for _message in range(messages):
        await client.publish("codeworm:logs", json.dumps({"line": "x" * size}))
        await asyncio.sleep(0.01)
    await client.aclose()


@attack(
    "feeds-of-large-logs",
    Who.MEMBER,
    prepare=fill_feeds,
    redis=True,
    short={"messages": 20},
)
async def feeds_of_large_logs(arena: Arena, *, messages: int = 100, size: int = 500_000) -> None:
    """Connections to `/ws` that begin with a hundred logs of 0.5 MB, which nobody reads."""

    async def come(number: int) -> None:
        await arena.plain("/ws", arena.token(), number=number, receive_bytes=4096)
        arena.counts["connections"] += 1
        await arena.hold()

    await arena.insist(HANDS, come)


@attack(
    "recovering-large-messages",
    Who.MEMBER,
    settings=FREELY,
    short={"messages": 10},
    kept_bytes=HISTORY_BYTES,
)
async def recovering_large(arena: Arena, *, messages: int = 40, size: int = 900_000) -> None:
    """Native recovery of 36 MB that was missed, again and again, and nobody reads."""
    one = await arena.websocket()
    auth = {"token": arena.token(), "recover": True}
    await one.text(f"40/circles,{json.dumps(auth)}")
    auth["pid"] = json.loads((await one.starting("40"))[11:])["pid"]
    await one.text(event("/circles", "join", {"channel": "den"}, 1))
    await one.starting("43/circles,1")
    writer = await arena.member(number=1)
    await writer.text(said(10))
    auth["offset"] = json.loads((await one.starting('42/circles,["user_message"'))[11:])[-1]
    one.close()
    for _message in range(messages):
        await writer.text(said(size, ack=1))
        await writer.starting("43/circles,1")
    while arena.going:
        again = await arena.websocket(receive_bytes=4096)
        await again.text(f"40/circles,{json.dumps(auth)}")
        arena.counts["connections"] += 1
        await asyncio.sleep(0.2)


@attack("metrics-labels", Who.MEMBER, settings=FREELY, short={"types": 300})
async def metrics_labels(arena: Arena, *, types: int = 2_000) -> None:
    """Messages of ever new types into a chat, and /metrics that mustn't grow with them."""
    before = await _metrics_bytes(arena)
    one = await arena.member("/chat")
    for number in range(types):
        message = {"channel": _CHAT, "data": {}}
        await one.text(event("/chat", f"custom.t{number}", message, 1))
        await one.starting("43/chat,1")
        arena.counts["types"] += 1
    grown = await _metrics_bytes(arena) - before
    arena.counts["bytes of /metrics"] = grown
    if grown > 10_000:
        arena.broken.append(f"/metrics has grown by {grown} bytes")


async def _metrics_bytes(arena: Arena) -> int:
    one = await arena.tcp()
    await one.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    _status, body = await one.response()
    one.close()
    return len(body)
