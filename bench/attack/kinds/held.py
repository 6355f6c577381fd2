"""Held bytes: what the server keeps for somebody, counted where bytes are what matters."""

from __future__ import annotations

import asyncio
import json
from typing import Final

from app.transport.frames import TEXT
from bench.attack.arena import Arena
from bench.attack.registry import FREELY, HANDS, HISTORY_BYTES, Who, attack
from bench.attack.speech import event, get, post, said
from bench.attack.wire import Socket, WebSocket, masked

_LARGE: Final = 900_000
_MB: Final = 1_000_000


@attack("waiting-messages", Who.MEMBER, short={"messages": 20})
async def waiting_messages(arena: Arena, *, messages: int = 100, size: int = 1_900_000) -> None:
    """A hundred messages of 1.9 MB behind each other on one connection."""
    frame = masked(TEXT, said(size, ack=1).encode())
    await _send_many(arena, frame, messages, 1)


@attack("waiting-messages-redis", Who.MEMBER, redis=True, short={"messages": 20})
async def waiting_messages_redis(arena: Arena, *, messages: int = 100, size: int = _LARGE) -> None:
    """A hundred messages of 0.9 MB on each of four connections, while each waits for Redis."""
    frame = masked(TEXT, said(size, ack=1).encode())
    await _send_many(arena, frame, messages, HANDS)


async def _send_many(arena: Arena, frame: bytes, messages: int, hands: int) -> None:
    async def send(number: int) -> None:
        one = await arena.member(number=number)
        one.discard()
        for _message_number in range(messages):
            await one.send(frame)
            arena.counts["messages"] += 1
        await arena.hold()

    await arena.insist(hands, send)


@attack("waiting-messages-plain", Who.MEMBER, redis=True, short={"messages": 20})
async def waiting_messages_plain(arena: Arena, *, messages: int = 100, size: int = _LARGE) -> None:
    """A hundred messages of 0.9 MB on each of four plain WebSockets, while each waits for Redis."""
    frame = masked(TEXT, json.dumps({"type": "user_message", "content": "x" * size}).encode())

    async def send(number: int) -> None:
        one = await arena.plain("/ws/circles/den", arena.token(), number=number)
        one.discard()
        for _message_number in range(messages):
            await one.send(frame)
            arena.counts["messages"] += 1
        await arena.hold()

    await arena.insist(HANDS, send)


@attack("attachments-of-a-member", Who.MEMBER)
async def attachments_of_a_member(arena: Arena, *, size: int = 1_900_000) -> None:
    """A packet that announces ten attachments, and nine of 1.9 MB, in a namespace."""
    places = ",".join(f'{{"_placeholder":true,"num":{n}}}' for n in range(10))

    async def announce(number: int) -> None:
        one = await arena.member(number=number)
        one.discard()
        await one.text(f'4510-/circles,["join",{places}]')
        for _frame in range(9):
            await one.send(masked(2, bytes(size)))
            arena.counts["attachments"] += 1
        await arena.hold()

    await arena.insist(HANDS, announce)


async def remember_nonces(arena: Arena, *, nonces: int = 8_000) -> None:
    """Have so many nonces remembered."""
    one = await arena.member()
    for start in range(0, nonces, 500):
        await one.send(
            b"".join(
                masked(TEXT, said(10, ack=1, nonce=f"n{start + n}").encode()) for n in range(500)
            )
        )
        for _answer in range(500):
            await one.starting("43/circles,1")
    one.close()


@attack("nonces", Who.MEMBER, prepare=remember_nonces, settings=FREELY, short={"nonces": 2_000})
async def nonces_of_one(arena: Arena, *, nonces: int = 8_000) -> None:
    """Messages with 8,000 nonces remembered, 300 a second."""
    one = await arena.member()
    one.discard()
    number = 0
    while arena.going:
        for _message_number in range(15):
            number += 1
            await one.text(said(10, ack=1, nonce=f"later-{number}"))
        arena.counts["messages"] += 15
        await asyncio.sleep(0.05)


@attack("polling-never-polled", Who.MEMBER, kept_bytes=HISTORY_BYTES)
async def polling_never_polled(arena: Arena, *, size: int = 100_000) -> None:
    """Members by polling that never poll, of a circle in which 10 MB a second are published."""
    for number in range(HANDS - 1):
        one, path = await arena.polling(number)
        await _enter(arena, one, path)

    async def publish(number: int) -> None:
        speaker = await arena.member(number=HANDS)
        speaker.discard()
        await _publish_paced(arena, speaker, size)

    await arena.insist(1, publish)


async def _enter(arena: Arena, one: Socket, path: str) -> None:
    auth = json.dumps({"token": arena.token()})
    join = event("/circles", "join", {"channel": "den"}, 1)
    await one.send(post(path, f"40/circles,{auth}\x1e{join}".encode()))
    await one.response()
    await one.send(get(path))
    await one.response()


async def _publish_paced(arena: Arena, one: WebSocket, size: int) -> None:
    frame = masked(TEXT, said(size).encode())
    while True:
        await one.send(frame)
        arena.counts["messages"] += 1
        await asyncio.sleep(0.011)


@attack("members-that-dont-read", Who.CROWD, kept_bytes=HISTORY_BYTES)
async def members_that_dont_read(arena: Arena, *, size: int = 20_000) -> None:
    """A hundred members that don't read, of a circle in which 2 MB a second are published."""

    async def come(number: int) -> None:
        one = await arena.member(number=number, receive_bytes=4096)
        await one.text(event("/circles", "join", {"channel": "den"}, 1))
        await one.starting("43/circles,1")
        if number:
            await arena.hold()
        else:
            one.discard()
            await _publish_paced(arena, one, size)

    await arena.insist(100, come)


@attack("sessions-of-many-channels", Who.MEMBER, settings=FREELY, short={"channels": 200})
async def sessions_of_many_channels(arena: Arena, *, channels: int = 1_000) -> None:
    """Connections with native recovery in a thousand channels of long names, dropped each time."""
    names = [f"den-{number}-{'x' * 240}" for number in range(channels)]
    joins = b"".join(
        masked(TEXT, event("/circles", "join", {"channel": name}, 1).encode()) for name in names
    )

    async def come(number: int) -> None:
        one = await arena.websocket(number=number)
        auth = json.dumps({"token": arena.token(), "recover": True})
        await one.text(f"40/circles,{auth}")
        await one.starting("40")
        arena.counts["connections"] += 1
        await one.send(joins)
        for _name in names:
            await one.starting("43/circles,1")
        arena.counts["sessions"] += 1
        one.close()

    await arena.insist(HANDS, come)


@attack("sessions-by-polling", Who.MEMBER)
async def sessions_by_polling(arena: Arena) -> None:
    """Polling sessions of a member, as fast as they go, and none is closed."""
    auth = json.dumps({"token": arena.token()})

    async def come(number: int) -> None:
        while True:
            one, path = await arena.polling(number)
            await one.send(post(path, f"40/circles,{auth}".encode()))
            await one.response()
            arena.counts["sessions"] += 1
            one.close()

    await arena.insist(HANDS, come)


@attack("chat-tokens", Who.MEMBER, kept_bytes=20 * _MB)
async def chat_tokens(arena: Arena, *, size: int = 10_000) -> None:
    """`chat_token` of ever the same message, 10 kB each, as often as one may."""
    one = await arena.member("/chat", arena.token("mallory", "agent"))
    one.discard()
    index = 0
    while arena.going:
        data = {"message_id": "m", "index": index, "delta": "x" * size}
        await one.text(event("/chat", "chat_token", {"channel": "a/b/c", "data": data}, 1))
        arena.counts["messages"] += 1
        index += 1
        await asyncio.sleep(0.01)
