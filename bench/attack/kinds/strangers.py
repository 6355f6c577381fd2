"""Work for strangers: what costs memory or CPU before a token was ever good."""

from __future__ import annotations

from typing import Final

from app.auth import make_token
from app.core.identity import Identity
from app.transport.frames import TEXT
from bench.attack.arena import Arena
from bench.attack.registry import Who, attack
from bench.attack.speech import binaries, unknown_keys
from bench.attack.wire import masked

_HANDS: Final = 4  # connections that a stranger has
PLACEHOLDERS: Final = ",".join(f'{{"_placeholder":true,"num":{n}}}' for n in range(10))


def large_token(size: int) -> str:
    """Return a JWT of so many bytes whose signature is of another key."""
    return make_token("b" * 32, Identity("x" * (size * 3 // 4), "user", ()))


@attack("refused-tokens", Who.STRANGER, short={"tokens": 40})
async def refused_tokens(arena: Arena, *, tokens: int = 400, size: int = 900_000) -> None:
    """CONNECTs whose tokens are of 0.9 MB, and no good."""
    packet = f'40/circles,{{"token":"{large_token(size)}"}}'

    async def refuse(number: int) -> None:
        for _token in range(tokens // _HANDS):
            one = await arena.websocket(number=number)
            one.discard()
            await one.text(packet)
            arena.counts["tokens"] += 1

    await arena.each(_HANDS, refuse)


@attack("refused-tokens-again", Who.STRANGER, short={"tokens": 40})
async def refused_tokens_again(arena: Arena, *, tokens: int = 400, size: int = 900_000) -> None:
    """The same CONNECTs, all on the same four connections."""
    frame = masked(TEXT, f'40/circles,{{"token":"{large_token(size)}"}}'.encode())

    async def refuse(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        for _token in range(tokens // _HANDS):
            await one.send(frame)
            arena.counts["tokens"] += 1

    await arena.each(_HANDS, refuse)


@attack("attachments-before-connect", Who.STRANGER, short={"frames": 4})
async def attachments_before_connect(
    arena: Arena, *, frames: int = 9, size: int = 1_900_000
) -> None:
    """A packet that announces ten attachments, and nine of 1.9 MB, before any CONNECT."""

    async def announce(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        await one.text('4510-["join",' + PLACEHOLDERS + "]")
        for _frame in range(frames):
            await one.send(binaries(size, 1))
            arena.counts["attachments"] += 1

    await arena.each(_HANDS, announce)


@attack("auth-unknown-keys", Who.STRANGER, short={"times": 1})
async def auth_unknown_keys(arena: Arena, *, keys: int = 85_000, times: int = 1000) -> None:
    """Plain WebSockets whose `auth` has 85,000 keys that nobody knows, again and again."""
    frame = '{"type":"auth","token":"x",' + unknown_keys(keys)[1:]

    async def ask(number: int) -> None:
        for _time in range(times):
            one = await arena.plain("/ws/circles/den", number=number)
            await one.text(frame)
            arena.counts["frames"] += 1
            await one.ended()
            one.close()

    await arena.each(_HANDS, ask)
