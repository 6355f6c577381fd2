"""Many channels of one connection: entering, leaving and coming back to all of them at once."""

from __future__ import annotations

import json
from typing import Any

from bench.attack.arena import Arena
from bench.attack.registry import FREELY, Who, attack
from bench.attack.speech import event, said, texts
from bench.attack.wire import WebSocket

_AT_ONCE = 500  # joins in one write


async def _join(one: WebSocket, channels: int) -> None:
    frames = [
        texts(event("/circles", "join", {"channel": f"den-{number}"}, number), 1)
        for number in range(channels)
    ]
    for start in range(0, channels, _AT_ONCE):
        some = frames[start : start + _AT_ONCE]
        await one.send(b"".join(some))
        for _answer in some:
            await one.starting("43/circles,")


async def _recover(one: WebSocket, arena: Arena, **auth: Any) -> str:
    """Enter the namespace, to be restored later; return the private id for that."""
    auth |= {"token": arena.token(), "recover": True}
    await one.text(f"40/circles,{json.dumps(auth)}")
    pid: str = json.loads((await one.starting("40"))[11:])["pid"]
    return pid


async def join_many(arena: Arena, *, channels: int = 10_000) -> None:
    """Be in so many channels."""
    arena.kept["member"] = one = await arena.member()
    await _join(one, channels)


async def join_many_to_recover(arena: Arena, *, channels: int = 9_000) -> None:
    """Be in so many channels, by a connection that can be restored."""
    arena.kept["member"] = one = await arena.websocket()
    arena.kept["pid"] = await _recover(one, arena)
    await _join(one, channels)
    await one.text(said(10, "den-0"))
    message = await one.starting('42/circles,["user_message"')
    arena.kept["offset"] = json.loads(message[11:])[-1]


@attack(
    "leaving-many-channels",
    Who.MEMBER,
    prepare=join_many,
    settings=FREELY,
    short={"channels": 1_000},
)
async def leaving_many_channels(arena: Arena, *, channels: int = 10_000) -> None:
    """A member of 10,000 channels whose connection is dropped."""
    arena.kept["member"].close()
    arena.counts["left"] = channels


@attack(
    "leaving-many-channels-redis",
    Who.MEMBER,
    prepare=join_many,
    settings=FREELY,
    redis=True,
    short={"channels": 1_000},
)
async def leaving_many_channels_redis(arena: Arena, *, channels: int = 10_000) -> None:
    """The same in Redis."""
    arena.kept["member"].close()
    arena.counts["left"] = channels


@attack(
    "disconnects-of-many-channels",
    Who.MEMBER,
    prepare=join_many,
    settings=FREELY,
    short={"channels": 1_000},
)
async def disconnects_of_many_channels(arena: Arena, *, channels: int = 10_000) -> None:
    """A member of 10,000 channels that leaves the namespace, and keeps its connection."""
    await arena.kept["member"].text("41/circles,")
    arena.counts["left"] = channels


@attack(
    "authenticating-many-channels",
    Who.MEMBER,
    prepare=join_many,
    settings=FREELY,
    short={"channels": 1_000},
)
async def authenticating_many_channels(arena: Arena, *, channels: int = 10_000) -> None:
    """A member of 10,000 channels that says who it is again and again."""
    one = arena.kept["member"]
    packet = event("/circles", "authenticate", {"token": arena.token()}, 1)
    while arena.going:
        await one.text(packet)
        await one.starting("43/circles,1[")
        arena.counts["requests"] += 1


@attack(
    "recovering-many-channels",
    Who.MEMBER,
    prepare=join_many_to_recover,
    settings=FREELY,
    short={"channels": 1_000},
)
async def recovering_many_channels(arena: Arena, *, channels: int = 9_000) -> None:
    """A connection with native recovery and 9,000 channels, dropped and restored at once."""
    one, pid, offset = (arena.kept[what] for what in ("member", "pid", "offset"))
    while arena.going:
        one.close()
        one = await arena.websocket()
        answered = await _recover(one, arena, pid=pid, offset=offset)
        arena.counts["recovered" if answered == pid else "anew"] += 1
        pid = answered


@attack("subscribing-many-topics", Who.MEMBER, short={"topics": 2_000})
async def subscribing_many_topics(arena: Arena, *, topics: int = 60_000) -> None:
    """`subscribe` on `/ws` with 60,000 topics, again and again."""
    names = json.dumps([f"circles:den-{number}" for number in range(topics)])

    async def subscribe(number: int) -> None:
        one = await arena.plain("/ws", arena.token(), number=number)
        one.discard()
        while True:
            await one.text(f'{{"action":"subscribe","topics":{names}}}')
            arena.counts["requests"] += 1
            await one.text(f'{{"action":"unsubscribe","topics":{names}}}')

    await arena.insist(1, subscribe)


@attack("subscribing-forbidden-topics", Who.MEMBER, short={"topics": 2_000})
async def subscribing_forbidden_topics(arena: Arena, *, topics: int = 60_000) -> None:
    """`subscribe` with 60,000 topics that the token doesn't open: an error for each."""
    names = json.dumps([f"workspaces:x{number}" for number in range(topics)])

    async def subscribe(number: int) -> None:
        one = await arena.plain("/ws", arena.token(), number=number)
        one.discard()
        while True:
            await one.text(f'{{"action":"subscribe","topics":{names}}}')
            arena.counts["requests"] += 1

    await arena.insist(1, subscribe)
