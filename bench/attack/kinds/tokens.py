"""Tokens that are no good: what refusing one costs."""

from __future__ import annotations

import base64

from app.auth import make_token
from app.core.identity import Identity
from app.transport.frames import TEXT
from bench.attack.arena import SOCKETIO, Arena
from bench.attack.registry import HANDS, Who, attack
from bench.attack.speech import get, post, unknown_keys
from bench.attack.wire import masked


def large_token(size: int) -> str:
    """Return a JWT of so many bytes whose signature is of another key."""
    return make_token("b" * 32, Identity("x" * (size * 3 // 4), "user", ()))


def many_claims(size: int) -> str:
    """Return a JWT of so many bytes, of as many claims as go into it, without a signature."""
    claims = unknown_keys(size * 3 // 4 // 12).encode()
    body = base64.urlsafe_b64encode(claims).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{body}.eHh4"


@attack("refused-tokens", Who.STRANGER, short={"tokens": 40})
async def refused_tokens(arena: Arena, *, tokens: int = 400, size: int = 900_000) -> None:
    """CONNECTs whose tokens are JWTs of 0.9 MB, signed by another key."""
    await _refuse(arena, tokens, large_token(size), kept=False)


@attack("refused-tokens-kept", Who.STRANGER, short={"tokens": 40})
async def refused_tokens_kept(arena: Arena, *, tokens: int = 400, size: int = 900_000) -> None:
    """CONNECTs whose tokens are 0.9 MB of nothing, on the same four connections."""
    await _refuse(arena, tokens, "x" * size, kept=True)


@attack("refused-tokens-of-claims", Who.STRANGER, short={"tokens": 40})
async def refused_tokens_of_claims(arena: Arena, *, tokens: int = 400, size: int = 900_000) -> None:
    """CONNECTs whose tokens are JWTs of 56,000 claims, without a signature."""
    await _refuse(arena, tokens, many_claims(size), kept=False)


async def _refuse(arena: Arena, tokens: int, token: str, *, kept: bool) -> None:
    frame = masked(TEXT, f'40/circles,{{"token":"{token}"}}'.encode())

    async def connect(number: int) -> None:
        one = await arena.websocket(number=number)
        one.discard()
        for _token in range(tokens // HANDS):
            await one.send(frame)
            arena.counts["tokens"] += 1
            if not kept:
                one.close()
                one = await arena.websocket(number=number)
                one.discard()

    await arena.insist(HANDS, connect)


@attack("refused-tokens-polling", Who.STRANGER, short={"tokens": 8})
async def refused_tokens_polling(arena: Arena, *, tokens: int = 400, size: int = 900_000) -> None:
    """The same in bodies of polling sessions."""
    body = f'40/circles,{{"token":"{large_token(size)}"}}'.encode()

    async def connect(number: int) -> None:
        for _token in range(tokens // HANDS):
            one, path = await arena.polling(number)
            await one.send(post(path, body))
            arena.counts["tokens"] += 1
            await one.response()
            await one.send(get(path))
            await one.response()
            one.close()

    await arena.insist(HANDS, connect)


@attack("refused-tokens-jsonp", Who.STRANGER, short={"tokens": 8})
async def refused_tokens_jsonp(arena: Arena, *, tokens: int = 400, size: int = 900_000) -> None:
    """The same in forms, as JSONP posts them."""
    body = b"d=" + f'40/circles,{{"token":"{large_token(size)}"}}'.encode()

    async def connect(number: int) -> None:
        for _token in range(tokens // HANDS):
            one, path = await arena.polling(number)
            form = "Content-Type: application/x-www-form-urlencoded"
            await one.send(post(f"{path}&j=0", body, form))
            arena.counts["tokens"] += 1
            await one.response()
            await one.send(get(f"{path}&j=0"))
            await one.response()
            one.close()

    await arena.insist(HANDS, connect)


@attack("refused-tokens-plain", Who.STRANGER, short={"tokens": 40})
async def refused_tokens_plain(arena: Arena, *, tokens: int = 400, size: int = 900_000) -> None:
    """`auth` frames on plain WebSockets, with the same tokens."""
    await _refuse_plain(arena, "/ws/circles/den", tokens, size)


@attack("refused-tokens-many-channels", Who.STRANGER, short={"tokens": 40})
async def refused_tokens_channels(arena: Arena, *, tokens: int = 400, size: int = 900_000) -> None:
    """`auth` frames on `/ws/channels`, with the same tokens."""
    await _refuse_plain(arena, "/ws/channels", tokens, size)


async def _refuse_plain(arena: Arena, path: str, tokens: int, size: int) -> None:
    frame = masked(TEXT, f'{{"type":"auth","token":"{large_token(size)}"}}'.encode())

    async def ask(number: int) -> None:
        for _token in range(tokens // HANDS):
            one = await arena.plain(path, number=number)
            await one.send(frame)
            arena.counts["tokens"] += 1
            await one.ended()
            one.close()

    await arena.insist(HANDS, ask)


@attack("refused-tokens-in-queries", Who.STRANGER, short={"tokens": 200})
async def refused_tokens_query(arena: Arena, *, tokens: int = 100_000, size: int = 7_000) -> None:
    """Handshakes with a bad token of 7 kB in the query, as fast as they go."""
    path = f"{SOCKETIO}&token={large_token(size)}"

    async def ask(number: int) -> None:
        for _token in range(tokens // HANDS):
            one = await arena.websocket(path, number=number)
            await one.text("40/circles,")
            arena.counts["tokens"] += 1
            await one.starting("44")
            one.close()

    await arena.insist(HANDS, ask)


@attack("refused-tokens-in-headers", Who.STRANGER, short={"tokens": 200})
async def refused_tokens_header(arena: Arena, *, tokens: int = 100_000, size: int = 7_000) -> None:
    """Plain handshakes with a bad token of 7 kB in the header, as fast as they go."""
    token = large_token(size)

    async def ask(number: int) -> None:
        for _token in range(tokens // HANDS):
            one = await arena.tcp(number)
            await one.send(get("/ws/circles/den", f"Authorization: Bearer {token}"))
            arena.counts["tokens"] += 1
            await one.response()
            one.close()

    await arena.insist(HANDS, ask)
