"""Leftovers: what stays behind in the server, or in Redis, when nobody owns it any more."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import redis.asyncio

from app.transport.frames import TEXT
from bench.attack.arena import Arena
from bench.attack.registry import FREELY, HANDS, Who, attack
from bench.attack.speech import event, texts
from bench.attack.wire import masked

_KEYS: Final = 20  # that a server may have for its own affairs


async def redis_keys(arena: Arena) -> int:
    """Return how many keys Redis has."""
    assert arena.redis_url is not None
    client = redis.asyncio.Redis.from_url(arena.redis_url)
    try:
        return int(await client.dbsize())
    finally:
        await client.aclose()


async def _ask_of_channels(arena: Arena, request: str, **more: Any) -> None:
    """Ask for ever new channels, on four connections, each when the last one is answered."""

    async def ask(number: int) -> None:
        one = await arena.member(number=number)
        count = number
        while True:
            argument = {"channel": f"den-{count}-{'x' * 200}", **more}
            await one.text(event("/circles", request, argument, 1))
            await one.starting("43/circles,1")
            arena.counts["requests"] += 1
            count += HANDS

    await arena.insist(HANDS, ask)


async def _leaves_no_keys(arena: Arena, before: int) -> None:
    grown = await redis_keys(arena) - before
    arena.counts["keys"] = grown
    if grown > _KEYS:
        arena.broken.append(f"{grown} keys more in Redis")


async def _in_time(arena: Arena, request: str, **more: Any) -> None:
    """Do the same until a second before the end, and see what is left in Redis."""
    before = await redis_keys(arena)
    try:
        async with asyncio.timeout(max(0.5, arena.left - 1.0)):
            await _ask_of_channels(arena, request, **more)
    except TimeoutError:
        await _leaves_no_keys(arena, before)


@attack("history-of-random-channels", Who.MEMBER, settings=FREELY)
async def history_of_random(arena: Arena) -> None:
    """`history` of channels that nobody was ever in."""
    await _ask_of_channels(arena, "history", limit=1)


@attack("history-of-random-channels-redis", Who.MEMBER, settings=FREELY, redis=True)
async def history_of_random_redis(arena: Arena) -> None:
    """The same in Redis: reading leaves no key."""
    await _in_time(arena, "history", limit=1)


@attack("presence-of-random-channels", Who.MEMBER, settings=FREELY)
async def presence_of_random(arena: Arena) -> None:
    """`presence` of channels that nobody was ever in."""
    await _ask_of_channels(arena, "presence")


@attack("presence-of-random-channels-redis", Who.MEMBER, settings=FREELY, redis=True)
async def presence_of_random_redis(arena: Arena) -> None:
    """The same in Redis: reading leaves no key."""
    await _in_time(arena, "presence")


@attack("leaving-random-channels", Who.MEMBER, settings=FREELY)
async def leaving_random(arena: Arena) -> None:
    """`leave` of channels that one was never in."""
    await _ask_of_channels(arena, "leave")


@attack("joining-random-channels", Who.MEMBER)
async def joining_random(arena: Arena) -> None:
    """`join` of ever new channels, at the rate that one has, and past the most that one may."""
    await _ask_of_channels(arena, "join")


@attack("joining-and-leaving", Who.MEMBER, settings=FREELY)
async def joining_and_leaving(arena: Arena) -> None:
    """`join` and `leave` of ever new channels."""

    async def ask(number: int) -> None:
        one = await arena.member(number=number)
        count = number
        while True:
            argument = {"channel": f"den-{count}-{'x' * 200}"}
            some = texts(event("/circles", "join", argument, 1), 1)
            await one.send(some + texts(event("/circles", "leave", argument, 2), 1))
            await one.starting("43/circles,2")
            arena.counts["channels"] += 1
            count += HANDS

    await arena.insist(HANDS, ask)


@attack("since-of-random-channels-redis", Who.MEMBER, settings=FREELY, redis=True)
async def since_of_random_redis(arena: Arena) -> None:
    """`join` with `since` and `leave` of ever new channels, in Redis."""
    before = await redis_keys(arena)

    async def ask(number: int) -> None:
        one = await arena.member(number=number)
        count = number
        while arena.left > 2.0:
            argument = {"channel": f"den-{count}", "since": {"offset": 1, "epoch": "x"}}
            await one.text(event("/circles", "join", argument, 1))
            await one.starting("43/circles,1")
            await one.text(event("/circles", "leave", {"channel": f"den-{count}"}, 2))
            await one.starting("43/circles,2")
            arena.counts["channels"] += 1
            count += HANDS

    await arena.each(HANDS, ask)
    arena.counts["keys"] = await redis_keys(arena) - before


@attack("dropped-while-publishing", Who.MEMBER, redis=True)
async def dropped_while_publishing(arena: Arena, *, size: int = 100_000) -> None:
    """Connections dropped while their messages wait for Redis, again and again."""
    message = {"channel": "den", "data": {"content": "x" * size}}
    some = masked(TEXT, event("/circles", "user_message", message, 1).encode()) * 20

    async def publish(number: int) -> None:
        while True:
            one = await arena.member(number=number)
            await one.send(some)
            arena.counts["connections"] += 1
            one.close()

    await arena.insist(HANDS, publish)


@attack("chats-left-alone", Who.MEMBER)
async def chats_left_alone(arena: Arena) -> None:
    """Plain connections to ever new chats, dropped at once."""

    async def come(number: int) -> None:
        count = number
        while True:
            path = f"/ws/flow/app/chat-{count}-{'x' * 200}/_"
            one = await arena.plain(path, arena.token(), number=number)
            arena.counts["chats"] += 1
            one.close()
            count += HANDS

    await arena.insist(HANDS, come)


@attack("slow-close", Who.CROWD)
async def slow_close(arena: Arena) -> None:
    """A hundred that break the protocol and then neither read nor close."""

    async def come(number: int) -> None:
        one = await arena.websocket(number=number, receive_bytes=4096)
        await one.text("4[9,")
        arena.counts["connections"] += 1
        await arena.hold()

    await arena.insist(100, come)
