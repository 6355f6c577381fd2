"""Identities: one token on many connections, and what it forges."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import socketio

from bench.attack.arena import Arena
from bench.attack.registry import HANDS, Who, attack
from bench.attack.speech import event, texts


@attack("reconnecting-around-the-rate", Who.MEMBER)
async def reconnecting(arena: Arena, *, each: int = 200, per_second: int = 2_000) -> None:
    """One token that connects, publishes its burst of 200, and connects again."""
    frame = texts(
        event("/circles", "user_message", {"channel": "den", "data": {"content": "x"}}, 1), each
    )

    async def come(number: int) -> None:
        while True:
            one = await arena.member(number=number)
            await one.send(frame)
            for _answer in range(each):
                answer = await one.starting("43/circles,1")
                arena.counts["published" if '"ok":true' in answer else "refused"] += 1
            one.close()

    await arena.insist(HANDS, _until(arena, come))
    if arena.counts["published"] > per_second * arena.seconds + 2 * per_second:
        rate = arena.counts["published"] / arena.seconds
        arena.broken.append(f"one identity published {rate:.0f} messages a second")


def _until(arena: Arena, act: Any) -> Any:
    """Return the same, ended half a second before the attack is: there is something to add up."""

    async def bounded(number: int) -> None:
        try:
            async with asyncio.timeout(max(0.1, arena.left - 0.5)):
                await act(number)
        except TimeoutError:
            await arena.hold()

    return bounded


@attack("one-token-on-a-hundred-connections", Who.CROWD)
async def one_token_hundred(arena: Arena, *, connections: int = 100) -> None:
    """One token on a hundred connections, each of which publishes as often as it may."""
    message = {"channel": "den", "data": {"content": "x"}}
    frame = texts(event("/circles", "user_message", message, 1), 1)

    async def publish(number: int) -> None:
        one = await arena.member(number=number)
        one.discard()
        while True:
            await one.send(frame)
            arena.counts["messages"] += 1
            await asyncio.sleep(0.011)

    await arena.insist(connections, publish)


@attack("connections-of-one-token", Who.CROWD)
async def connections_of_one(arena: Arena, *, connections: int = 600) -> None:
    """One token on six hundred connections, which stay."""

    async def come(number: int) -> None:
        await arena.member(number=number)
        arena.counts["connections"] += 1

    await arena.each(connections, come)


@attack("forged-offsets", Who.MEMBER)
async def forged_offsets(arena: Arena) -> None:
    """Native recovery with forged `pid` and `offset`, as fast as they are answered."""

    async def come(number: int) -> None:
        one = await arena.websocket(number=number)
        forged = 0
        while True:
            auth = {
                "token": arena.token(),
                "recover": True,
                "pid": f"forged-{forged}",
                "offset": "z" * 10_000,
            }
            await one.text(f"40/circles,{json.dumps(auth)}")
            await one.starting("40", "44")
            await one.text("41/circles,")
            await one.text(f"40/chat,{json.dumps({'token': arena.token()})}")
            await one.starting("40/chat", "44/chat")
            await one.text("41/chat,")
            forged += 1
            arena.counts["forged"] += 1

    await arena.insist(HANDS, come)


@attack("forged-offset-of-a-place", Who.WORKER, redis=True)
async def forged_offset_of_a_place(arena: Arena, *, secrets: int = 5) -> None:
    """A member whom a worker let into a room comes back from before that, by a forged offset."""
    assert arena.redis_url is not None
    owner = await arena.member(token=arena.token("owner", "user", "circles:vault:rw"))
    for number in range(secrets):
        message = {"channel": "vault", "data": {"content": f"secret {number}"}}
        await owner.text(event("/circles", "user_message", message, 1))
        await owner.starting("43/circles,1")
    thief = await arena.websocket(number=1)
    auth = {"token": arena.token(), "recover": True}
    await thief.text(f"40/circles,{json.dumps(auth)}")
    connected = json.loads((await thief.starting("40"))[11:])
    worker = socketio.AsyncRedisManager(arena.redis_url, write_only=True)
    await worker.enter_room(connected["sid"], "/circles", "vault")
    message = {"channel": "vault", "data": {"content": "open"}}
    for _time in range(20):  # until the worker's word has come
        await owner.text(event("/circles", "user_message", message, 1))
        try:
            async with asyncio.timeout(0.3):
                packet = await thief.starting('42/circles,["user_message"')
                break
        except TimeoutError:
            continue
    else:
        arena.broken.append("the worker's word never came")
        return
    offset = json.loads(packet[11:])[-1]
    arena.counts["entered"] += 1
    thief.close()
    for forged in _forge(str(offset)):
        again = await arena.websocket(number=1)
        auth = {"token": arena.token(), "recover": True, "pid": connected["pid"], "offset": forged}
        await again.text(f"40/circles,{json.dumps(auth)}")
        read = ""
        try:
            async with asyncio.timeout(0.5):
                while True:
                    read += await again.next()
        except TimeoutError:
            pass
        arena.counts["forged"] += 1
        if "secret" in read:
            arena.broken.append(f"read what was there before by the offset {forged!r}")
        again.close()
    await worker.pubsub.aclose()
    await worker.redis.aclose()


def _forge(offset: str) -> list[str]:
    """Return what an offset may be changed into: each number in it made 1 and 0."""
    parts = offset.replace(".", ":").replace("-", ":").split(":")
    forged = ["0", "1", ""]
    for part in parts:
        if part.isdigit():
            forged += [offset.replace(part, "0", 1), offset.replace(part, "1", 1)]
    return forged
