"""One socket between its transport and its owner, and the handshake that begins it."""

from __future__ import annotations

import asyncio
from unittest.mock import ANY

import pytest
from aiohttp.test_utils import TestServer

from app.transport.frames import (
    BINARY,
    CLOSE,
    NORMAL,
    NOT_UTF8,
    PING,
    PONG,
    PROTOCOL_ERROR,
    TEXT,
    TOO_BIG,
    FrameError,
    decode,
)
from app.transport.intake import Intake
from app.transport.websocket import WebSocket
from tests.support.raw import masked, raw_websocket
from tests.support.transport import RecordingTransport
from tests.support.virtual_loop import run_virtually

LIMIT = 100


class Owner:
    """Remembers what it is told, in order."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.intake = Intake(0)

    def on_text(self, text: str) -> None:
        self.told.append(text)

    def on_binary(self, data: bytes) -> None:
        assert type(data) is bytes
        self.told.append(data)

    def on_pong(self) -> None:
        self.told.append("pong")

    def on_unsent(self, over_limit: bool) -> None:
        self.told.append(over_limit)

    def on_flood(self) -> None:
        self.told.append("flood")

    def on_unreadable(self, error: FrameError) -> None:
        self.told.append(error.code)

    def on_lost(self, reason: str) -> None:
        self.told.append(("lost", reason))


@pytest.fixture
def transport() -> RecordingTransport:
    return RecordingTransport()


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
def socket(transport: RecordingTransport, owner: Owner) -> WebSocket:
    socket = WebSocket(LIMIT, 1234, transport)
    socket.attach(owner)
    return socket


def test_messages_go_to_the_owner(socket: WebSocket, owner: Owner) -> None:
    socket.data_received(masked(TEXT, "Grüße".encode()) + masked(BINARY, b"\xff"))
    socket.data_received(masked(TEXT, b""))
    assert owner.told == ["Grüße", b"\xff", ""]


def test_the_limit_is_counted_at_the_transport(
    socket: WebSocket, transport: RecordingTransport, owner: Owner
) -> None:
    assert transport.high == 1234
    socket.pause_writing()
    socket.resume_writing()
    assert owner.told == [True, False]


def test_pings_are_answered_and_pongs_told(
    socket: WebSocket, transport: RecordingTransport, owner: Owner
) -> None:
    socket.data_received(masked(PING, b"abc") + masked(PONG, b"abc") + masked(PING, b""))
    assert list(decode(b"".join(transport.writes))) == [(PONG, b"abc"), (PONG, b"")]
    assert owner.told == ["pong"]


BROKEN: dict[str, tuple[bytes, int]] = {
    "unmasked": (b"\x81\x01x", PROTOCOL_ERROR),
    "too big": (masked(TEXT, bytes(LIMIT + 1)), TOO_BIG),
    "not UTF-8": (masked(TEXT, b"\xff"), NOT_UTF8),
    "half a character": (masked(TEXT, "ö".encode()[:1]), NOT_UTF8),
    "a surrogate": (masked(TEXT, b"\xed\xa0\x80"), NOT_UTF8),
}


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN.keys())
async def test_who_breaks_the_protocol_gets_the_code_and_the_owner_the_reason(
    socket: WebSocket, transport: RecordingTransport, owner: Owner, data: bytes, code: int
) -> None:
    socket.data_received(masked(TEXT, b"before"))
    socket.data_received(data + masked(TEXT, b"behind"))
    socket.connection_lost(None)
    assert owner.told == ["before", code, ("lost", ANY)]
    assert owner.told[2] != ("lost", "")
    assert transport.close_codes() == [code]
    assert transport.calls == ["close"]


async def test_a_client_that_closes_is_answered(
    socket: WebSocket, transport: RecordingTransport, owner: Owner
) -> None:
    socket.data_received(masked(CLOSE, b"\x03\xe9") + masked(TEXT, b"behind"))
    assert transport.close_codes() == [NORMAL]
    assert owner.told == [("lost", "")]


async def test_an_end_of_ours_tells_nobody(
    socket: WebSocket, transport: RecordingTransport, owner: Owner
) -> None:
    socket.close()
    socket.close()
    socket.data_received(masked(TEXT, b"late"))
    socket.pause_writing()
    socket.resume_writing()
    socket.connection_lost(None)
    assert transport.close_codes() == [NORMAL]
    assert transport.calls == ["close"]
    assert owner.told == []


def test_a_connection_that_breaks_is_lost_once(socket: WebSocket, owner: Owner) -> None:
    socket.connection_lost(ConnectionResetError())
    socket.connection_lost(None)
    assert owner.told == [("lost", "")]


def test_dropping_it_writes_nothing(
    socket: WebSocket, transport: RecordingTransport, owner: Owner
) -> None:
    socket.abort()
    socket.connection_lost(None)
    assert (transport.writes, transport.calls, owner.told) == ([], ["abort"], [])


async def test_an_owner_that_ends_it_amid_messages_gets_no_more(
    socket: WebSocket, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_text(text: str) -> None:
        owner.told.append(text)
        socket.close()

    monkeypatch.setattr(owner, "on_text", on_text)
    socket.data_received(masked(TEXT, b"a") + masked(TEXT, b"b"))
    assert owner.told == ["a"]


# The handshake, RFC 6455 §4.2


async def test_the_handshake_is_answered_as_the_rfc_shows(server: TestServer) -> None:
    async with raw_websocket(server) as client:
        answer = await client.handshake()
        assert answer.status == 101
        assert answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert (answer.headers["upgrade"], answer.headers["connection"]) == ("websocket", "Upgrade")
        assert str(await client.next()).startswith('0{"sid"')


async def test_what_comes_right_behind_the_handshake_is_not_lost(server: TestServer) -> None:
    async with raw_websocket(server) as client:
        client.write_head(
            *("GET", "/socket.io/?EIO=4&transport=websocket", "Connection: Upgrade"),
            *("Upgrade: websocket", "Sec-WebSocket-Version: 13"),
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        )
        client.write("40/nowhere,")
        assert (await client.response()).status == 101
        _hello, refused = await client.until("44")
        assert str(refused).startswith('44/nowhere,{"message":"Invalid namespace"')


@pytest.mark.parametrize(
    "header",
    [
        "Upgrade: h2c",
        "Sec-WebSocket-Version: 8",
        "Sec-WebSocket-Key: short",
        "Sec-WebSocket-Key: ????????????????????????",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSBsb25nZXI=",
    ],
)
async def test_what_is_no_handshake_is_refused(server: TestServer, header: str) -> None:
    name = header.partition(":")[0]
    good = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    good += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    for headers in (
        [one for one in good if not one.startswith(f"{name}:")],
        [header if one.startswith(f"{name}:") else one for one in good],
    ):
        async with raw_websocket(server) as client:
            path = "/socket.io/?EIO=4&transport=websocket"
            assert (await client.request("GET", path, *headers)).status == 400


async def test_pings_of_the_websocket_itself_are_answered(server: TestServer) -> None:
    async with raw_websocket(server) as client:
        await client.engine()
        assert await client.answers_ping()


def test_who_never_answers_a_close_is_not_waited_for() -> None:
    async def main() -> None:
        transport = RecordingTransport()
        WebSocket(1000, 1000, transport).close()
        assert transport.calls == ["close"]
        await asyncio.sleep(10)
        assert transport.calls == ["close", "abort"]

    run_virtually(main)
