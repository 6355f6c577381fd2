"""The listener: its fast path answers as aiohttp does, and silent connections are closed."""

from __future__ import annotations

import asyncio
import random
import re
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from app.app_keys import GATE, SERVER
from app.application import create_app
from app.core.counters import Counters
from app.origins import AllowedOrigins
from app.realtime.manager import Manager
from app.realtime.server import Server
from app.runner import Runner
from app.settings import Settings
from app.transport.gate import Gate
from app.transport.refusals import Refusals
from tests.engine.test_fast_handshake import DOUBTFUL, HEADERS, LINE, PLAIN, but, head
from tests.fixtures.servers import Serve, Start
from tests.support.client import PATIENCE_SECONDS
from tests.support.raw import PAUSE_SECONDS, RawWebSocket, masked, raw_http, raw_websocket
from tests.support.server import AiohttpServer, ListenerServer

ENTER = masked(1, b"40", key=b"\0\0\0\0")
CLASSES = (ListenerServer, AiohttpServer)
# Those that HTTP goes on waiting after.
UNFINISHED = {"nothing", "the first half", "without its end", "line ends of one byte"}


class Way:
    """A server, with the fast path or without it, and the environment of its last client."""

    def __init__(self, server: TestServer, environs: list[dict[str, Any]]) -> None:
        self.server = server
        self._environs = environs

    async def outcome(self, *segments: bytes) -> object:
        """Return all that a client sees who sends a handshake, and what connect handlers do."""
        async with raw_websocket(self.server) as client:
            for number, segment in enumerate(segments):
                if number:
                    await asyncio.sleep(PAUSE_SECONDS)
                client.writer.write(segment)
            answer = await client.response()
            answer.headers.pop("date", None)
            if answer.status != 101:
                return answer._replace(text=_without_ids(answer.text))
            if not b"".join(segments).endswith(ENTER):
                client.writer.write(ENTER)
            packets = [_without_ids(str(packet)) for packet in await client.until("4")]
        [environ] = self._environs
        self._environs.clear()
        return answer, packets, environ


def _without_ids(text: str) -> str:
    return re.sub(r'"sid":"[^"]+"', "", text)


@pytest.fixture
async def ways(start_server: Start) -> AsyncIterator[list[Way]]:
    """The same server with the fast path and without it."""
    found = []
    for server_class in CLASSES:
        environs: list[dict[str, Any]] = []
        realtime = Server(Manager())

        async def connect(
            _sid: str, environ: dict[str, Any], _auth: Any, environs: Any = environs
        ) -> None:
            environs.append(environ)

        realtime.on("connect", connect)
        app = web.Application()
        gate = app[GATE] = Gate(AllowedOrigins(), Refusals(Counters()))
        gate.add_to(app)
        app[SERVER] = realtime
        realtime.attach(app)
        found.append(Way(await start_server(app, server_class), environs))
    yield found
    for way in found:
        await way.server.app[SERVER].close_all()


async def same(ways: Sequence[Way], *segments: bytes) -> None:
    """Both ways have the same outcome."""
    by_fast_path, by_aiohttp = [await way.outcome(*segments) for way in ways]
    assert by_fast_path == by_aiohttp, segments


def requests_of_aiohttp(server: TestServer) -> int:
    assert isinstance(server.runner, web.AppRunner)
    assert server.runner._server is not None
    return server.runner._server.requests_count


@pytest.mark.parametrize("data", PLAIN.values(), ids=PLAIN.keys())
async def test_a_plain_handshake_is_answered_alike_and_without_aiohttp(
    ways: list[Way], data: bytes
) -> None:
    await same(ways, data)
    await same(ways, data + ENTER)
    assert requests_of_aiohttp(ways[0].server) == 0
    assert requests_of_aiohttp(ways[1].server) == 2


@pytest.mark.parametrize(
    "data",
    [pytest.param(data, id=name) for name, data in DOUBTFUL.items() if name not in UNFINISHED],
)
async def test_a_doubtful_one_is_answered_as_aiohttp_does(ways: list[Way], data: bytes) -> None:
    await same(ways, data)


@pytest.mark.parametrize("cut", [1, 3, 30, 60, 150, -2, -1])
async def test_a_handshake_may_come_in_pieces(ways: list[Way], cut: int) -> None:
    await same(ways, head()[:cut], head()[cut:] + ENTER)


@pytest.mark.parametrize("origin", ["http://localhost:8000", "http://evil.example", "null", ""])
async def test_a_page_of_another_origin_is_refused_alike(ways: list[Way], origin: str) -> None:
    await same(ways, head(headers=[*HEADERS, f"Origin: {origin}"]))


LINES = [
    *[LINE] * 6,
    *(LINE.replace("EIO=4", "EIO=4&token=a.b"), LINE.replace("EIO=4", "EIO=4&t=%41+b")),
    *(LINE.replace("EIO=4", "EIO=3"), LINE.replace("=websocket", "=polling&x=websocket")),
    *(LINE.replace("1.1", "1.0"), LINE.replace("socket.io/", "socket.io")),
    LINE.replace("GET", "POST"),
]
CHANGES = [
    *("Connection: keep-alive, Upgrade", "Connection: upgrade", "Connection: close", "Connection"),
    *("Upgrade: WebSocket", "Upgrade: h2c", "Upgrade", "Sec-WebSocket-Version: 12"),
    *("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Key: AAAA"),
    *("Host: example.com", "Host: [::1]:80", "Host: a b", "Host"),
]
FURTHER = [
    *("Origin: http://localhost:8000", "Origin: http://example.com", "Origin: https://a.example"),
    *("X-Forwarded-Proto: https", "X-Forwarded-Host: a.example", "X-Forwarded-For: 10.0.0.1"),
    *("Cookie: a=1; b=2", "X-A: 1", "x-a: 2", "X_A: 3", "X-Tab:\t1", "X-Latin: ö", "X-Empty: "),
    *("Content-Length: 0", "Content-Type: text/plain", "Authorization: Bearer a", "Accept: */*"),
    *(f"X-Long: {'a' * 7000}", f"X-Longer: {'a' * 9000}", "Transfer-Encoding: chunked"),
    *("Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Protocol: a, b"),
    *("Sec-WebSocket-Protocol: bearer, a.b.c", "Sec-WebSocket-Protocol: access_token.a.b.c"),
]


def some_handshake(seed: int) -> list[bytes]:
    """Return the segments of one of many handshakes."""
    chance = random.Random(seed)
    changes = {
        one.partition(":")[0]: one for one in chance.sample(CHANGES, chance.choice((0, 0, 1)))
    }
    headers = but(*changes.values()) + chance.sample(FURTHER, chance.randint(0, 4))
    chance.shuffle(headers)
    if chance.random() < 0.3:
        headers = [
            one.replace(one.partition(":")[0], one.partition(":")[0].upper()) for one in headers
        ]
    data = head(chance.choice(LINES), headers)
    if chance.random() < 0.5:
        data += ENTER
    cut = chance.randrange(1, len(data)) if chance.random() < 0.2 else len(data)
    return [part for part in (data[:cut], data[cut:]) if part]


@pytest.mark.parametrize("seed", range(0, 300, 50))
async def test_whatever_comes_is_answered_alike(ways: list[Way], seed: int) -> None:
    for number in range(seed, seed + 50):
        await same(ways, *some_handshake(number))
    assert requests_of_aiohttp(ways[0].server) < requests_of_aiohttp(ways[1].server)


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]", "rebound.example", "a b"])
async def test_a_development_server_answers_to_its_own_names_only(
    start_server: Start, host: str
) -> None:
    answers = []
    for server_class in CLASSES:
        server = await start_server(create_app(Settings()), server_class)
        async with raw_websocket(server) as client:
            client.writer.write(head(headers=but(f"Host: {host}")))
            answer = await client.response()
            answer.headers.pop("date", None)
            answers.append(answer)
    assert answers[0] == answers[1]
    assert answers[0].status == (101 if host[0] in "l1[" else 403)


async def test_a_middleware_that_it_does_not_know_keeps_it_out_of_the_way(
    start_server: Start,
) -> None:
    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise web.HTTPForbidden

    app = web.Application(middlewares=[refuse])
    app[SERVER] = Server(Manager())
    app[SERVER].attach(app)
    async with raw_websocket(await start_server(app)) as client:
        assert (await client.handshake()).status == 403


async def test_http_works_as_ever_behind_the_listener(server: TestServer) -> None:
    async with raw_http(server) as connection:
        for _time in range(2):
            assert (await connection.request("GET", "/healthz")).status == 200
        poll = await connection.request("GET", "/socket.io/?EIO=4&transport=polling")
        assert poll.text.startswith('0{"sid"')


async def test_who_says_nothing_is_sent_away(server: TestServer) -> None:
    assert isinstance(server.runner, Runner)
    assert server.runner._listener is not None
    server.runner._listener._silent._seconds = 0.05
    async with raw_http(server) as talks, raw_http(server) as silent:
        talks.writer.write(b"G")
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await silent.reader.read() == b""
        talks.writer.write(b"ET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await talks.response()).status == 200


async def test_the_end_closes_who_says_nothing(serve: Serve) -> None:
    server = await serve()
    async with raw_http(server) as silent:
        async with raw_http(server) as other:  # so that the first one has been accepted
            assert (await other.request("GET", "/healthz")).status == 200
        assert isinstance(server.runner, Runner)
        listener = server.runner._listener
        assert listener is not None
        await server.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await silent.reader.read() == b""
        assert listener._silent.clear() == []


async def test_who_comes_while_it_ends_is_closed(server: TestServer) -> None:
    assert isinstance(server.runner, Runner)
    assert server.runner._listener is not None
    server.runner._listener.close()
    async with raw_http(server) as late, asyncio.timeout(PATIENCE_SECONDS):
        assert await late.reader.read() == b""


async def test_who_goes_without_a_word_is_forgotten(server: TestServer) -> None:
    async with raw_http(server):
        pass
    async with raw_http(server) as other:
        await other.request("GET", "/healthz")
    assert isinstance(server.runner, Runner)
    assert server.runner._listener is not None
    assert server.runner._listener._silent.clear() == []


async def test_small_frames_are_not_held_back(server: TestServer) -> None:
    """By Nagle's algorithm they would wait; aiohttp turns it off for what comes to itself."""
    async with raw_http(server), raw_http(server) as other:
        await other.request("GET", "/healthz")  # so that the first one has been accepted
        assert isinstance(server.runner, Runner)
        assert server.runner._listener is not None
        [unidentified] = server.runner._listener._silent.clear()
        plain = unidentified.transport.get_extra_info("socket")
        assert plain.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_the_address_of_a_client_may_be_of_version_6(start_server: Start) -> None:
    app = create_app(Settings())
    server = ListenerServer(app, host="::1")
    await server.start_server()
    try:
        reader, writer = await asyncio.open_connection("::1", server.port)
        client = RawWebSocket(reader, writer)
        await client.engine()
        [connection] = app[SERVER].eio.sockets.values()
        assert connection.handshake["REMOTE_ADDR"] == "::1"
        client.close()
    finally:
        await server.close()
