"""Work for strangers: what costs memory or CPU before a token was ever good."""

from __future__ import annotations

from typing import Final

from app.transport.frames import TEXT
from bench.attack.arena import POLLING, Arena
from bench.attack.registry import HANDS, Who, attack
from bench.attack.speech import binaries, get, unknown_keys
from bench.attack.wire import masked

_PLACEHOLDERS: Final = ",".join(f'{{"_placeholder":true,"num":{n}}}' for n in range(10))


@attack("attachments-before-connect", Who.STRANGER, short={"frames": 4})
async def attachments_before_connect(
    arena: Arena, *, frames: int = 9, size: int = 1_900_000
) -> None:
    """A packet that announces ten attachments, and nine of 1.9 MB, before any CONNECT."""

    async def announce(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        await one.text(f'4510-["join",{_PLACEHOLDERS}]')
        for _frame in range(frames):
            await one.send(binaries(size, 1))
            arena.counts["attachments"] += 1
        await arena.hold()

    await arena.insist(HANDS, announce)


@attack("large-frames-before-connect", Who.STRANGER, short={"frames": 4})
async def large_frames_before_connect(
    arena: Arena, *, frames: int = 9, size: int = 1_900_000
) -> None:
    """Nine events of 1.9 MB to a namespace that one isn't in, before any CONNECT."""
    frame = masked(TEXT, b'42/circles,["join","' + b"x" * size + b'"]')

    async def send(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        for _frame in range(frames):
            await one.send(frame)
            arena.counts["frames"] += 1
        await arena.hold()

    await arena.insist(HANDS, send)


@attack("half-a-message", Who.STRANGER)
async def half_a_message(arena: Arena, *, size: int = 1_900_000) -> None:
    """A message of 1.9 MB whose last fragment never comes, before any CONNECT."""

    async def begin(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        await one.send(masked(TEXT, b"4" * size, first=TEXT))
        arena.counts["messages"] += 1
        await arena.hold()

    await arena.insist(HANDS, begin)


@attack("auth-unknown-keys", Who.STRANGER, short={"times": 1})
async def auth_unknown_keys(arena: Arena, *, keys: int = 85_000, times: int = 1000) -> None:
    """Plain WebSockets whose `auth` has 85,000 keys that nobody knows, again and again."""
    await _ask_with_keys(arena, "/ws/circles/den", keys, times)


@attack("auth-unknown-keys-many-channels", Who.STRANGER, short={"times": 1})
async def auth_unknown_keys_channels(
    arena: Arena, *, keys: int = 85_000, times: int = 1000
) -> None:
    """The same on `/ws/channels`."""
    await _ask_with_keys(arena, "/ws/channels", keys, times)


@attack("auth-unknown-keys-feeds", Who.STRANGER, short={"times": 1})
async def auth_unknown_keys_feeds(arena: Arena, *, keys: int = 85_000, times: int = 1000) -> None:
    """The same on `/ws`."""
    await _ask_with_keys(arena, "/ws", keys, times)


async def _ask_with_keys(arena: Arena, path: str, keys: int, times: int) -> None:
    frame = '{"type":"auth","token":"x",' + unknown_keys(keys)[1:]

    async def ask(number: int) -> None:
        for _time in range(times):
            one = await arena.plain(path, number=number)
            await one.text(frame)
            arena.counts["frames"] += 1
            await one.ended()
            one.close()

    await arena.insist(HANDS, ask)


@attack("connect-unknown-keys", Who.STRANGER, short={"times": 1})
async def connect_unknown_keys(arena: Arena, *, keys: int = 85_000, times: int = 1000) -> None:
    """CONNECTs whose `auth` has 85,000 keys that nobody knows."""
    packet = "40/circles," + unknown_keys(keys, '"token":"x"')

    async def ask(number: int) -> None:
        one = await arena.websocket(number=number)
        for _time in range(times):
            await one.text(packet)
            arena.counts["packets"] += 1
            await one.starting("44")

    await arena.insist(HANDS, ask)


@attack("connect-deep", Who.STRANGER, short={"times": 1})
async def connect_deep(arena: Arena, *, depth: int = 400_000, times: int = 1000) -> None:
    """CONNECTs whose `auth` is 400,000 lists within lists."""
    packet = '40/circles,{"token":' + "[" * depth + "]" * depth + "}"

    async def ask(number: int) -> None:
        for _time in range(times):
            one = await arena.websocket(number=number)
            await one.text(packet)
            arena.counts["packets"] += 1
            await one.ended()

    await arena.insist(HANDS, ask)


@attack("connect-to-long-namespaces", Who.STRANGER, short={"times": 4})
async def connect_long_namespace(arena: Arena, *, size: int = 900_000, times: int = 1000) -> None:
    """CONNECTs to namespaces whose names are of 0.9 MB."""
    packet = "40/" + "x" * size + ","

    async def ask(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        for _time in range(times):
            await one.text(packet)
            arena.counts["packets"] += 1

    await arena.insist(HANDS, ask)


@attack("sessions-of-strangers", Who.STRANGER, short={"times": 200})
async def sessions_of_strangers(arena: Arena, *, times: int = 100_000, size: int = 7_000) -> None:
    """Polling sessions, opened as fast as they go, with 7 kB of headers each, and left alone."""
    request = get(POLLING, f"Cookie: c={'x' * size}")

    async def open_some(number: int) -> None:
        one = await arena.tcp(number)
        for _time in range(times // HANDS):
            await one.send(request)
            await one.response()
            arena.counts["sessions"] += 1

    await arena.insist(HANDS, open_some)


@attack("websockets-without-connect", Who.CROWD)
async def websockets_without_connect(arena: Arena, *, times: int = 100_000) -> None:
    """WebSockets, opened by a hundred as fast as they go, and closed at once."""

    async def come(number: int) -> None:
        for _time in range(times):
            one = await arena.websocket(number=number)
            arena.counts["handshakes"] += 1
            one.close()

    await arena.insist(100, come)
