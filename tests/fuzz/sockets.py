"""Targets behind the real listener: HTTP, and sessions of Socket.IO and of plain WebSockets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar

from aiohttp.test_utils import TestServer

from app.application import create_app
from app.settings import Settings
from app.transport.frames import BINARY, TEXT
from tests.fuzz.readers import PACKETS, Requests
from tests.fuzz.target import Target
from tests.support.raw import masked
from tests.support.server import ListenerServer
from tests.support.tokens import ALICE, SECRET

_HANDSHAKE = (
    b"Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
#: For what never ends by itself: a request that is waited for, say.
_SILENT_SECONDS = 0.02
_MARK = b"mark of the end"


class Served(Target):
    """A target that is a server in this process; it lives as long as the target."""

    async def start(self) -> None:
        settings = Settings(auth_secret=SECRET, auth_mode="required", messages_per_second=0)
        self._server = ListenerServer(create_app(settings))
        await self._server.start_server()

    async def close(self) -> None:
        await self._server.close()

    async def send(self, pieces: Sequence[bytes]) -> None:
        """Send pieces on a connection of its own, and read until it is silent or closed."""
        server: TestServer = self._server
        assert server.port is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0)
            await self._read_out(reader)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def _read_out(self, reader: asyncio.StreamReader) -> None:
        try:
            received = b""
            while _MARK not in received:
                async with asyncio.timeout(_SILENT_SECONDS):
                    data = await reader.read(65_536)
                if not data:
                    return
                received = received[-len(_MARK) :] + data
        except TimeoutError:
            pass


class Http(Served):
    """Raw bytes to a port."""

    name = "http"
    corpus: ClassVar = [
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /metrics HTTP/1.0\r\n\r\n",
        b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        (
            b"POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Length: 11\r\n\r\n40/circles,"
        ),
        (
            b"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        ),
        (
            b"OPTIONS /socket.io/?EIO=4 HTTP/1.1\r\nHost: a\r\nOrigin: https://b\r\n"
            b"Access-Control-Request-Method: POST\r\n\r\n"
        ),
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" + _HANDSHAKE,
        b"GET /ws/circles/dev-team?token=a.b.c HTTP/1.1\r\n" + _HANDSHAKE,
        (
            b"GET /api/v1/channels?namespace=circles HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\n"
            b"Authorization: Bearer a.b.c\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"
        ),
        (
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n"
            b"GET /x%2e%2e/%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        ),
    ]

    async def read(self, data: bytes, chance: random.Random) -> None:
        cut = chance.randrange(len(data) + 1)
        await self.send([data[:cut], data[cut:]])


class SessionTarget(Served):
    """A Socket.IO session, from its handshake to its end."""

    name = "session"
    corpus: ClassVar = PACKETS

    async def read(self, data: bytes, chance: random.Random) -> None:
        first = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" + _HANDSHAKE
        hello = masked(TEXT, b'40/circles,{"token":"%b","recover":true}' % ALICE.encode())
        packet = chance.choice([b"4", b"4", b"4", b"", b"b", b"2", b"5", b"6"]) + data
        frames = [hello, masked(chance.choice([TEXT, TEXT, TEXT, BINARY]), packet)]
        frames += [masked(BINARY, b"attachment")] * chance.randrange(3)
        frames += [masked(TEXT, b"4" + other) for other in chance.sample(self.corpus, 2)]
        if chance.random() < 0.2:
            frames.pop(0)
        frames.append(masked(TEXT, b'42/circles,["%b"]' % _MARK))
        await self.send([first, *frames])


class Plain(Served):
    """Plain WebSockets, in each of their dialects."""

    name = "plain"
    corpus: ClassVar = [
        *Requests.corpus,
        b'["",{"type":"join","id":1,"namespace":"/circles","channel":"dev-team"}]',
        b'["",{"type":"history","id":"x","namespace":"/circles","channel":"dev-team","limit":3}]',
        b'["",{"action":"subscribe","topics":["circles:dev-team","agents:7","circles"]}]',
        b'["",{"type":"client.resume","lastClientIndex":3}]',
    ]
    _PATHS: ClassVar = [
        *(b"/ws/circles/dev-team", b"/ws/channels", b"/ws", b"/ws/w/a/c/_", b"/ws/agents/7"),
        *(b"/ws/notifications/alice", b"/ws/workspace/5", b"/ws/circles/%00"),
    ]

    async def read(self, data: bytes, chance: random.Random) -> None:
        token = b"?token=" + ALICE.encode()
        query = chance.choice([token, token, token + b"&history=5&since=e1:3", b""])
        first = b"GET " + chance.choice(self._PATHS) + query + b" HTTP/1.1\r\n" + _HANDSHAKE
        start = data.find(b"{")
        frame = data[start:-1] if start >= 0 and chance.random() < 0.9 else data
        frames: list[Any] = [masked(chance.choice([TEXT, TEXT, TEXT, BINARY]), frame)]
        frames += [masked(TEXT, b'{"type":"ping"}'), masked(TEXT, b'{"type":"%b"}' % _MARK)]
        await self.send([first, *frames])
