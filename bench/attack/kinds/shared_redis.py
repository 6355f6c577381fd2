"""A shared Redis: large things in it that make small ones wait, or get lost."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import redis.asyncio

from app.transport.frames import TEXT
from bench.attack.arena import Arena
from bench.attack.registry import HISTORY_BYTES, Who, attack
from bench.attack.speech import event
from bench.attack.wire import WebSocket, masked

_UNREADABLE: Final[tuple[dict[Any, Any], ...]] = (
    {"what": "ever"},
    {"s": "1", "m": b"\xff no JSON"},
)
_MB: Final = 1_000_000


@attack("large-publishes-redis", Who.MEMBER, redis=True)
async def large_publishes(arena: Arena, *, connections: int = 3, size: int = 900_000) -> None:
    """Three connections that publish 0.9 MB as often as they may."""
    message = {"channel": "den", "data": {"content": "x" * size}}
    await _publish(arena, message, connections)


@attack("large-publishes", Who.MEMBER, kept_bytes=HISTORY_BYTES)
async def large_publishes_memory(
    arena: Arena, *, connections: int = 3, size: int = 900_000
) -> None:
    """The same in memory, where a channel's history may be as large as `HISTORY_BYTES`."""
    message = {"channel": "den", "data": {"content": "x" * size}}
    await _publish(arena, message, connections)


@attack("large-deliveries-redis", Who.MEMBER, redis=True)
async def large_deliveries(arena: Arena, *, size: int = 900_000) -> None:
    """The same into a circle with a member that reads."""
    reader = await arena.member(number=9)
    await reader.text(event("/circles", "join", {"channel": "den"}, 1))
    reader.discard()
    message = {"channel": "den", "data": {"content": "x" * size}}
    await _publish(arena, message, 2)


async def _publish(arena: Arena, message: dict[str, Any], connections: int) -> None:
    frame = masked(TEXT, event("/circles", "user_message", message, 1).encode())

    async def publish(number: int) -> None:
        one = await arena.member(number=number)
        one.discard()
        while True:
            await one.send(frame)
            arena.counts["messages"] += 1
            await asyncio.sleep(0.011)

    await arena.insist(connections, publish)


async def fill_history(arena: Arena, *, messages: int = 30, size: int = 900_000) -> None:
    """Have a history of 27 MB."""
    writer = await arena.member(number=9)
    message = {"channel": "den", "data": {"content": "x" * size}}
    for _number in range(messages):
        await writer.text(event("/circles", "user_message", message, 1))
        await writer.starting("43/circles,1")


@attack("large-history-reads-redis", Who.MEMBER, redis=True, prepare=fill_history)
async def large_history_reads(arena: Arena, *, messages: int = 30, size: int = 900_000) -> None:
    """Four connections that read a history of 27 MB again and again."""
    packet = event("/circles", "history", {"channel": "den", "limit": 1000}, 1)

    async def read(number: int) -> None:
        one = await arena.member(number=number)
        while True:
            await one.text(packet)
            await one.starting("43/circles,1")
            arena.counts["requests"] += 1

    await arena.insist(4, read)


@attack("small-publishes-redis", Who.MEMBER, redis=True)
async def small_publishes(arena: Arena) -> None:
    """Four connections that publish small messages as fast as they go."""
    frame = masked(
        TEXT,
        event("/circles", "user_message", {"channel": "den", "data": {"content": "x"}}, 1).encode(),
    )

    async def publish(number: int) -> None:
        one = await arena.member(number=number)
        one.discard()
        while True:
            await one.send(frame * 100)
            arena.counts["messages"] += 100

    await arena.insist(4, publish)


@attack("large-emit", Who.WORKER, redis=True, times=False)
async def large_emit(arena: Arena, *, size: int = 34 * _MB) -> None:
    """One emit of a worker of 34 MB, past what Redis keeps for a subscriber."""
    assert arena.redis_url is not None
    client = redis.asyncio.Redis.from_url(arena.redis_url)
    emit = {
        "method": "emit",
        "event": "user_message",
        "data": {"content": "x" * size},
        "namespace": "/circles",
        "room": "den",
        "skip_sid": None,
        "callback": None,
        "host_id": "attack",
    }
    arena.counts["emits"] += 1
    await client.publish("socketio", json.dumps(emit))
    await client.aclose()
    await arena.hold()


@attack("garbage-emits", Who.WORKER, redis=True)
async def garbage_emits(arena: Arena, *, per_second: int = 500) -> None:
    """Emits that no schema accepts, 500 a second."""
    assert arena.redis_url is not None
    client = redis.asyncio.Redis.from_url(arena.redis_url)
    number = 0
    while arena.going:
        for _emit in range(per_second // 20):
            number += 1
            await client.publish("agent.message", json.dumps({"circle_name": "den", "n": number}))
            await client.publish("socketio", b"\x80\x04garbage")
        arena.counts["emits"] += per_second // 10
        await asyncio.sleep(0.05)
    await client.aclose()


@attack("unreadable-entry", Who.WORKER, redis=True)
async def unreadable_entry(arena: Arena, *, entries: int = 20) -> None:
    """Entries that aren't ours in a history from which lost messages are read: nobody is deaf."""
    assert arena.redis_url is not None
    member = await arena.member()
    await member.text(event("/circles", "join", {"channel": "den"}, 1))
    await member.starting("43/circles,1")
    writer = await arena.member(number=1)
    client = redis.asyncio.Redis.from_url(arena.redis_url)
    for number in range(entries):
        offset = await _say(writer, "spoiled")
        async for key in client.scan_iter(_type="stream"):
            if b"den" in key:
                await client.xadd(key, _UNREADABLE[number % 2], id=f"{offset}-1")
                arena.counts["spoiled"] += 1
        await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]
        await _say(writer, "in a hole")
    await _say(writer, "the last word")
    await client.aclose()
    try:
        async with asyncio.timeout(max(0.5, arena.left - 0.2)):
            while "the last word" not in await member.next():
                pass
    except TimeoutError:
        arena.broken.append("a member is deaf behind an entry that can't be read")


async def _say(writer: WebSocket, content: str) -> int:
    """Publish until it is taken; return the offset."""
    while True:
        message = {"channel": "den", "data": {"content": content}}
        await writer.text(event("/circles", "user_message", message, 1))
        answer = json.loads((await writer.starting("43/circles,1"))[12:])[0]
        if answer["ok"]:
            return int(answer["offset"])
        await asyncio.sleep(0.05)
