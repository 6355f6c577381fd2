"""What is refused leaves nothing behind.

An exception whose traceback has a frame that holds the exception is a cycle: it stays, with all
that its frames hold (a token of a stranger, a body), until the garbage collector comes: rarely.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

import pytest
from aiohttp.test_utils import TestServer

from app.engine.session import EngineSession
from app.realtime.client import Client, Request
from app.realtime.peer import Peer
from app.realtime.pipeline import Pipeline
from app.transport.handshake import Handshake
from app.transport.http_connection import HttpConnection
from tests.fixtures.servers import Serve
from tests.support.raw import RawWebSocket, raw_http, raw_websocket
from tests.support.tokens import ALICE
from tests.support.turns import until_flushed

TIMES = 5
POLL = "/socket.io/?EIO=4&transport=polling"
SOCKET = "/socket.io/?EIO=4&transport=websocket"
UPGRADE = (
    *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
FORGED = f"{ALICE[:-4]}AAAA"
OURS = ("/app/", "/namespaces/", "/schemas/", "/aiohttp/", "aiohttp/", "/marshmallow/", "/jwt/")
SESSIONS = {EngineSession, Peer, Pipeline, Client, Request, Handshake, HttpConnection}


@contextmanager
def leftovers() -> Iterator[list[str]]:
    """Return, at the end of the block, what only a collector frees: frames, exceptions, and what a
    session consists of."""
    found: list[str] = []
    gc.freeze()  # what was there before isn't looked at: thousands of modules
    gc.disable()
    flags = gc.get_debug()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        for one in gc.garbage:
            if isinstance(one, FrameType):
                if any(part in one.f_code.co_filename for part in OURS):
                    found.append(f"{one.f_code.co_filename}:{one.f_lineno}")
            elif isinstance(one, TracebackType):
                found.append("a traceback")
            elif type(one) in SESSIONS:
                found.append(repr(type(one)))
            # aiohttp's route of a 404 refers to itself; what has no frames is a few hundred bytes.
            elif isinstance(one, BaseException) and one.__traceback__ is not None:
                found.append(repr(one)[:200])
    finally:
        gc.set_debug(flags)
        gc.garbage.clear()
        gc.unfreeze()
        gc.enable()


CONNECTS = {
    "no token": "{}",
    "no JWT": json.dumps({"token": "x" * 1000}),
    "three parts": json.dumps({"token": "a.b.c"}),
    "another signature": json.dumps({"token": FORGED}),
    "no text": json.dumps({"token": {"a": [1]}}),
    "a large one": json.dumps({"token": "x" * 20_000}),
    "to come back": json.dumps({"token": FORGED, "recover": True, "pid": "x" * 32, "offset": "y"}),
}
REQUESTS = [
    *(
        '["join",{"channel":"x y*"}]',
        '["join",5]',
        '["join",{"channel":"a","since":{"offset":-1}}]',
    ),
    *('["join",{"channel":"a","x":1}]', '["nonsense",{}]', '["history",{}]', '["presence"]'),
    *('["user_message",{"channel":"dev-team","data":{}}]', '["user_message",{"data":1}]'),
    '["agent_message",{"channel":"dev-team","data":{"content":"x"}}]',
    *('["authenticate",{"token":"a.b.c"}]', '["authenticate",{}]', '["leave",{"channel":""}]'),
    f'["authenticate",{{"token":"{FORGED}"}}]',
    '["user_message",{"channel":"dev-team","data":{"content":"' + "x" * 1_100_000 + '"}}]',
    '["ping",' + "[" * 30_000 + "]" * 30_000 + "]",
]
FRAMES = [
    *('{"type":"auth","token":"a.b.c"}', '{"type":"auth"}', '{"type":"ping"}', "garbage", "[]"),
    '{"type":"auth","token":"x","further":{"a":1}}',
]
HTTP: dict[str, tuple[str, ...]] = {
    "a page": ("GET", "/healthz", "Origin: https://evil.example"),
    "not found": ("GET", "/nothing"),
    "method": ("POST", "/healthz"),
    "session": ("GET", f"{POLL}&sid=made-up"),
    "body": ("POST", f"{POLL}&sid=made-up", "Content-Length: 0"),
    "transport": ("GET", "/socket.io/?EIO=4&transport=carrier-pigeon"),
    "large headers": ("GET", "/healthz", f"Cookie: a={'x' * 17_000}"),
    "a long line": ("GET", "/healthz", f"Cookie: a={'x' * 47_000}"),
    "a long path": ("GET", f"/{'x' * 200_000}"),
    "no HTTP": ("GET", "/a b c"),
    "no handshake": ("GET", "/ws/circles/a"),
    "no token": ("GET", "/console/channels"),
    "a bad token": ("GET", "/console/channels", f"Authorization: Bearer {FORGED}"),
    "metrics": ("GET", "/metrics", "Via: 1.1 proxy"),
    "a page's handshake": ("GET", SOCKET, *UPGRADE, "Origin: https://evil.example"),
}
PATHS = [
    *("/ws/circles/a?token=a.b.c", f"/ws/circles/a?token={FORGED}", "/ws/circles/a?since=x"),
    *(f"/ws/notifications/bob?token={ALICE}", "/ws/circles/%20x"),
]


async def open_plain(socket: RawWebSocket, path: str) -> None:
    assert (await socket.request("GET", path, *UPGRADE)).status == 101


async def clean(do: Callable[[], Awaitable[None]]) -> None:
    """Do it, and again to see what of it is left."""
    await do()
    with leftovers() as found:
        for _time in range(TIMES):
            await do()
        await until_flushed()
    assert found == []


@pytest.fixture
async def strict(serve: Serve) -> TestServer:
    return await serve()


@pytest.mark.parametrize("auth", CONNECTS.values(), ids=CONNECTS.keys())
async def test_a_refused_connect_leaves_nothing(strict: TestServer, auth: str) -> None:
    async with raw_websocket(strict) as socket:
        await socket.engine()

        async def connect() -> None:
            socket.write(f"40/circles,{auth}")
            await socket.until("44")

        await clean(connect)


async def test_a_session_that_never_enters_leaves_nothing(strict: TestServer) -> None:
    async def come() -> None:
        async with raw_websocket(strict) as socket:
            await socket.engine()
            socket.write('40/circles,{"token":"a.b.c"}')
            await socket.until("44")
        async with raw_http(strict) as connection:
            await connection.request("GET", POLL)

    await clean(come)


@pytest.mark.parametrize("request_json", REQUESTS)
async def test_a_refused_request_leaves_nothing(strict: TestServer, request_json: str) -> None:
    async with raw_websocket(strict) as socket:
        await socket.engine()
        socket.write(f'40/circles,{{"token":"{ALICE}"}}')
        await socket.until("40")

        async def ask() -> None:
            socket.write(f"42/circles,1{request_json}")
            answer = str((await socket.until("43"))[-1])
            assert '"ok":false' in answer

        await clean(ask)


@pytest.mark.parametrize("asked", HTTP.values(), ids=HTTP.keys())
async def test_a_refused_http_request_leaves_nothing(
    strict: TestServer, asked: tuple[str, ...]
) -> None:
    async def ask() -> None:
        async with raw_http(strict) as connection:
            method, path, *headers = asked
            assert (await connection.request(method, path, *headers)).status >= 400

    await clean(ask)


@pytest.mark.parametrize("frame", FRAMES)
async def test_a_refused_first_frame_leaves_nothing(strict: TestServer, frame: str) -> None:
    async def speak() -> None:
        async with raw_websocket(strict) as socket:
            await open_plain(socket, "/ws/circles/a")
            socket.write(frame)
            assert await socket.close_code() == 4001

    await clean(speak)


@pytest.mark.parametrize("path", PATHS)
async def test_a_refused_path_leaves_nothing(strict: TestServer, path: str) -> None:
    async def come() -> None:
        async with raw_websocket(strict) as socket:
            await open_plain(socket, path)
            assert await socket.close_code() > 4000

    await clean(come)


async def test_a_refused_frame_leaves_nothing(strict: TestServer) -> None:
    async with raw_websocket(strict) as socket:
        await open_plain(socket, f"/ws/circles/a?token={ALICE}")
        await socket.next()

        async def speak() -> None:
            for frame in ("garbage", '{"type":"user_message"}', '{"type":"nonsense","x":1}', "[]"):
                socket.write(frame)
                while '"type":"error"' not in str(await socket.next()):
                    pass

        await clean(speak)


async def test_what_breaks_the_protocol_leaves_nothing(strict: TestServer) -> None:
    async def speak() -> None:
        for garbage in ("nonsense", "9", "42[", b"binary", "451-{}"):
            async with raw_websocket(strict) as socket:
                await socket.engine()
                socket.write(garbage)
                await socket.closed()

    await clean(speak)
