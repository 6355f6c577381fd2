"""Rates: requests as fast as they go, far over what a connection may."""

from __future__ import annotations

from bench.attack.arena import Arena
from bench.attack.floods import BATCH, flood, flood_as_member, flood_plain
from bench.attack.registry import HANDS, Who, attack
from bench.attack.speech import event, texts


@attack("requests-over-the-rate", Who.MEMBER)
async def requests_over_the_rate(arena: Arena) -> None:
    """`ping` events as fast as they go, far over the rate, each with an answer that is read."""
    await flood_as_member(arena, event("/circles", "ping", {}, 1), hands=1)


@attack("publishes-over-the-rate", Who.MEMBER)
async def publishes_over_the_rate(arena: Arena) -> None:
    """Messages as fast as they go, far over the rate."""
    message = {"channel": "den", "data": {"content": "x"}}
    await flood_as_member(arena, event("/circles", "user_message", message, 1))


@attack("events-over-the-rate", Who.MEMBER)
async def events_over_the_rate(arena: Arena) -> None:
    """The same without an acknowledgement: each refusal is an event."""
    message = {"channel": "den", "data": {"content": "x"}}
    await flood_as_member(arena, event("/circles", "user_message", message))


@attack("answers-unread", Who.MEMBER)
async def answers_unread(arena: Arena) -> None:
    """Requests as fast as they go, whose answers nobody reads."""
    some = texts(event("/circles", "ping", {}, 1), BATCH)

    async def send(number: int) -> None:
        one = await arena.member(number=number, receive_bytes=4096)
        await flood(arena, one, some, "requests")

    await arena.insist(HANDS, send)


@attack("plain-over-the-rate", Who.MEMBER)
async def plain_over_the_rate(arena: Arena) -> None:
    """`ping` frames of plain WebSockets as fast as they go, and the answers are read."""
    await flood_plain(arena, "/ws/circles/den", '{"type":"ping"}')


@attack("channels-over-the-rate", Who.MEMBER)
async def channels_over_the_rate(arena: Arena) -> None:
    """Requests on `/ws/channels` as fast as they go."""
    await flood_plain(
        arena, "/ws/channels", '{"type":"presence","id":1,"namespace":"/circles","channel":"den"}'
    )


@attack("feeds-over-the-rate", Who.MEMBER)
async def feeds_over_the_rate(arena: Arena) -> None:
    """The text `ping` on `/ws` as fast as it goes."""
    await flood_plain(arena, "/ws", "ping")


@attack("plain-errors-unread", Who.MEMBER)
async def plain_errors_unread(arena: Arena) -> None:
    """Frames that are no JSON, each answered with an error that nobody reads."""
    some = texts("no JSON", BATCH)

    async def send(number: int) -> None:
        one = await arena.plain("/ws/circles/den", arena.token(), number=number, receive_bytes=4096)
        await flood(arena, one, some, "frames")

    await arena.insist(HANDS, send)


@attack("plain-before-auth", Who.STRANGER)
async def plain_before_auth(arena: Arena) -> None:
    """Frames on `/ws/channels` before any `auth`, as fast as they go."""
    await flood_plain(arena, "/ws/channels", '{"type":"ping"}', stranger=True)
