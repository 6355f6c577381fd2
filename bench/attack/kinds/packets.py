"""Packets of Engine.IO and Socket.IO that no limit of requests counts."""

from __future__ import annotations

import json

from app.transport.frames import BINARY, TEXT
from bench.attack.arena import Arena
from bench.attack.floods import BATCH, flood, flood_as_member
from bench.attack.registry import HANDS, Who, attack
from bench.attack.speech import event, post, texts
from bench.attack.wire import masked


@attack("heartbeats", Who.STRANGER)
async def heartbeats(arena: Arena) -> None:
    """Engine.IO's pongs, pings and noops as fast as they go."""
    some = (texts("3", 1) + texts("2", 1) + texts("6", 1)) * 1000

    async def beat(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        await flood(arena, one, some, "packets", count=3000)

    await arena.insist(HANDS, beat)


@attack("acks", Who.MEMBER)
async def acks(arena: Arena) -> None:
    """Acknowledgements that nobody asked for, as fast as they go."""
    await flood_as_member(arena, "43/circles,1[]")


@attack("acks-of-strangers", Who.STRANGER)
async def acks_of_strangers(arena: Arena) -> None:
    """The same in a namespace that one isn't in."""
    some = texts("43/circles,1[]", BATCH)

    async def acknowledge(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        await flood(arena, one, some, "acks")

    await arena.insist(HANDS, acknowledge)


@attack("binary-acks", Who.MEMBER)
async def binary_acks(arena: Arena) -> None:
    """Acknowledgements with an attachment each, as fast as they go."""
    one_ack = masked(TEXT, b'461-/circles,1[{"_placeholder":true,"num":0}]') + masked(BINARY, b"x")

    async def acknowledge(number: int) -> None:
        one = await arena.member(number=number)
        one.discard()
        await flood(arena, one, one_ack * BATCH, "acks")

    await arena.insist(HANDS, acknowledge)


@attack("acks-polling", Who.MEMBER)
async def acks_polling(arena: Arena, *, packets: int = 60_000) -> None:
    """Bodies of 60,000 acknowledgements, by polling."""
    body = "\x1e".join(["43/circles,1[]"] * packets).encode()

    async def acknowledge(number: int) -> None:
        one, path = await arena.polling(number)
        auth = json.dumps({"token": arena.token()})
        await one.send(post(path, f"40/circles,{auth}".encode()))
        await one.response()
        while True:
            await one.send(post(path, body))
            arena.counts["bodies"] += 1
            await one.response()

    await arena.insist(1, acknowledge)


@attack("connects", Who.STRANGER)
async def connects(arena: Arena) -> None:
    """CONNECTs without a token, as fast as they go, and the refusals are read."""
    some = texts("40/circles,", BATCH)

    async def connect(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        await flood(arena, one, some, "connects")

    await arena.insist(HANDS, connect)


@attack("connects-unread", Who.STRANGER)
async def connects_unread(arena: Arena) -> None:
    """The same, and nobody reads the refusals."""
    some = texts("40/circles,", BATCH)

    async def connect(number: int) -> None:
        one = await arena.websocket(number=number, receive_bytes=4096)
        await flood(arena, one, some, "connects")

    await arena.insist(HANDS, connect)


@attack("connects-to-nowhere", Who.STRANGER)
async def connects_to_nowhere(arena: Arena) -> None:
    """CONNECTs to namespaces that aren't there, another each time."""

    async def connect(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        begun = 0
        while True:
            some = b"".join(texts(f"40/n{number}-{begun + n},", 1) for n in range(BATCH))
            begun += BATCH
            await one.send(some)
            arena.counts["connects"] += BATCH

    await arena.insist(HANDS, connect)


@attack("connects-again", Who.MEMBER)
async def connects_again(arena: Arena) -> None:
    """CONNECT and DISCONNECT in turn with a good token, as fast as they go."""
    auth = json.dumps({"token": arena.token()})
    some = (texts(f"40/circles,{auth}", 1) + texts("41/circles,", 1)) * 100

    async def connect(number: int) -> None:
        one = await arena.member("/chat", number=number)
        one.discard()
        await flood(arena, one, some, "connects", count=100)

    await arena.insist(HANDS, connect)


@attack("connects-twice", Who.MEMBER)
async def connects_twice(arena: Arena) -> None:
    """CONNECTs to a namespace that one is in already, as fast as they go."""
    auth = json.dumps({"token": arena.token()})
    some = texts(f"40/circles,{auth}", BATCH)

    async def connect(number: int) -> None:
        one = await arena.member(number=number)
        one.discard()
        await flood(arena, one, some, "connects")

    await arena.insist(HANDS, connect)


@attack("events-nowhere", Who.STRANGER)
async def events_nowhere(arena: Arena) -> None:
    """Events to a namespace that one isn't in, as fast as they go."""
    some = texts(event("/circles", "ping", {}), BATCH)

    async def send(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        await flood(arena, one, some, "events")

    await arena.insist(HANDS, send)


@attack("probes", Who.STRANGER)
async def probes(arena: Arena) -> None:
    """Upgrades of a polling session that are probed and given up, as fast as they go."""

    async def probe(number: int) -> None:
        _one, path = await arena.polling(number)
        sid = path.rpartition("=")[2]
        while True:
            other = await arena.websocket(
                f"/socket.io/?EIO=4&transport=websocket&sid={sid}", number=number
            )
            await other.text("2probe")
            arena.counts["probes"] += 1
            await other.next()
            other.close()

    await arena.insist(HANDS, probe)


@attack("probe-flood", Who.STRANGER)
async def probeflood(arena: Arena) -> None:
    """Probes as fast as they go on one upgrade that never ends."""
    some = texts("2probe", BATCH)

    async def probe(number: int) -> None:
        _one, path = await arena.polling(number)
        sid = path.rpartition("=")[2]
        other = await arena.websocket(
            f"/socket.io/?EIO=4&transport=websocket&sid={sid}", number=number
        )
        other.discard()
        await flood(arena, other, some, "probes")

    await arena.insist(HANDS, probe)
