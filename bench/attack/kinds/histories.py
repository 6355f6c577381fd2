"""Histories: large ones, read and filled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bench.attack.arena import Arena
from bench.attack.registry import FREELY, HANDS, Who, attack
from bench.attack.speech import event, said

_LARGE: Final = 900_000
_MB: Final = 1_000_000
#: Bounds small enough to be met within seconds.
_TIGHT: Final = {**FREELY, "MAX_HELD_BYTES": str(64 * _MB), "HISTORY_BYTES": str(16 * _MB)}


async def _fill(arena: Arena, messages: int, size: int, channel: str = "den") -> None:
    """Publish so many messages into a channel, each when the last one is acknowledged."""
    one = await arena.member()
    for _message_number in range(messages):
        await one.text(said(size, channel, 1))
        await one.starting("43/circles,1")
    one.close()


async def fill_history(arena: Arena, *, messages: int = 60, size: int = _LARGE) -> None:
    """Have a history of 54 MB."""
    await _fill(arena, messages, size)


@attack("history-of-large-messages", Who.MEMBER, prepare=fill_history, short={"messages": 20})
async def history_of_large(arena: Arena, *, messages: int = 60, size: int = _LARGE) -> None:
    """`history` of a thousand messages of 0.9 MB, whose answers nobody reads."""
    await _read_history(arena, event("/circles", "history", {"channel": "den", "limit": 1000}, 1))


@attack("joins-with-large-history", Who.MEMBER, prepare=fill_history, short={"messages": 20})
async def joins_with_large(arena: Arena, *, messages: int = 60, size: int = _LARGE) -> None:
    """`join` with a thousand messages of 0.9 MB, which nobody reads."""
    await _read_history(arena, event("/circles", "join", {"channel": "den", "history": 1000}, 1))


async def _read_history(arena: Arena, packet: str) -> None:
    async def ask(number: int) -> None:
        one = await arena.member(number=number, receive_bytes=4096)
        for _time in range(20):
            await one.text(packet)
            arena.counts["requests"] += 1
        await arena.hold()

    await arena.insist(HANDS, ask)


@attack("large-history-read", Who.MEMBER, prepare=fill_history, short={"messages": 20})
async def large_history_read(arena: Arena, *, messages: int = 60, size: int = _LARGE) -> None:
    """The same `history`, and the answers are read."""
    packet = event("/circles", "history", {"channel": "den", "limit": 1000}, 1)

    async def ask(number: int) -> None:
        one = await arena.member(number=number)
        while True:
            await one.text(packet)
            arena.counts["requests"] += 1
            await one.starting("43/circles,1")

    await arena.insist(HANDS, ask)


@attack(
    "history-of-large-messages-redis",
    Who.MEMBER,
    prepare=fill_history,
    redis=True,
    short={"messages": 20},
)
async def history_of_large_redis(arena: Arena, *, messages: int = 60, size: int = _LARGE) -> None:
    """`history` of a thousand messages of 0.9 MB, in Redis, whose answers nobody reads."""
    await _read_history(arena, event("/circles", "history", {"channel": "den", "limit": 1000}, 1))


@attack("plain-with-large-history", Who.MEMBER, prepare=fill_history, short={"messages": 20})
async def plain_with_large(arena: Arena, *, messages: int = 60, size: int = _LARGE) -> None:
    """Plain WebSockets that begin with a thousand messages of 0.9 MB, which nobody reads."""

    async def come(number: int) -> None:
        await arena.plain(
            "/ws/circles/den?history=1000", arena.token(), number=number, receive_bytes=4096
        )
        arena.counts["connections"] += 1
        await arena.hold()

    await arena.insist(HANDS, come)


@attack("filling-one-history", Who.MEMBER, settings=_TIGHT, kept_bytes=20 * _MB)
async def filling_one_history(arena: Arena, *, size: int = _LARGE) -> None:
    """Messages of 0.9 MB into one channel, as fast as they are acknowledged."""
    await _publish_on(arena, size, lambda number: "den")


@attack("filling-many-histories", Who.MEMBER, settings=_TIGHT, kept_bytes=70 * _MB)
async def filling_many_histories(arena: Arena, *, size: int = _LARGE) -> None:
    """Messages of 0.9 MB into ever new channels, as fast as they are acknowledged."""
    await _publish_on(arena, size, lambda number: f"den-{number}")


@attack("filling-many-small-histories", Who.MEMBER, settings=_TIGHT, kept_bytes=70 * _MB)
async def filling_small_histories(arena: Arena) -> None:
    """Small messages into ever new channels, as fast as they are acknowledged."""
    await _publish_on(arena, 10, lambda number: f"den-{number}-{'x' * 900}")


async def _publish_on(arena: Arena, size: int, channel_of: Callable[[int], str]) -> None:
    async def publish(number: int) -> None:
        one = await arena.member(number=number)
        count = number
        while True:
            await one.text(said(size, channel_of(count), 1))
            await one.starting("43/circles,1")
            arena.counts["messages"] += 1
            count += HANDS

    await arena.insist(HANDS, publish)
