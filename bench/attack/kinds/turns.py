"""Turns: what one connection has sent at once is much, and others wait for its end."""

from __future__ import annotations

from bench.attack.arena import Arena
from bench.attack.registry import Who, attack
from bench.attack.speech import SEPARATOR, post


@attack("post-of-pongs", Who.STRANGER, short={"packets": 100_000})
async def post_of_pongs(arena: Arena, *, packets: int = 990_000) -> None:
    """One polling POST after the other, each of 990,000 pongs."""
    body = SEPARATOR.join(["3"] * packets).encode()

    async def pong(number: int) -> None:
        one, path = await arena.polling(number)
        request = post(path, body)
        while True:
            await one.send(request)
            arena.counts["bodies"] += 1
            await one.response()

    await arena.insist(1, pong)
