"""Identities: one token on many connections, and what it forges."""

from __future__ import annotations

import asyncio

from bench.attack.arena import Arena
from bench.attack.registry import HANDS, Who, attack
from bench.attack.speech import event, said, texts


@attack("reconnecting-around-the-rate", Who.MEMBER)
async def reconnecting(arena: Arena, *, each: int = 200, per_second: int = 2_000) -> None:
    """One token that connects, publishes its burst of 200, and connects again."""
    burst = texts(said(1, ack=1), each)

    async def come(number: int) -> None:
        while arena.left > 1.0:
            one = await arena.member(number=number)
            await one.send(burst)
            for _answer in range(each):
                answer = await one.starting("43/circles,1")
                arena.counts["published" if '"ok":true' in answer else "refused"] += 1
            one.close()

    async def again(number: int) -> None:
        while arena.left > 1.0:
            await arena.each(1, lambda _one: come(number))
            await asyncio.sleep(0.01)

    await asyncio.gather(*(again(number) for number in range(HANDS)))
    if arena.counts["published"] > per_second * (arena.seconds + 1):
        rate = arena.counts["published"] / arena.seconds
        arena.broken.append(f"one identity published {rate:.0f} messages a second")


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
