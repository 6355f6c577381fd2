"""Agents in Python on slow lines: nothing has to arrive within a fixed time."""

from __future__ import annotations

import asyncio
import json

import hearth_realtime
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hearth_realtime import HearthError
from hearth_realtime.address import Address
from hearth_realtime.wire import Wire

from tests.fixtures.proxies import Through
from tests.fixtures.servers import Serve, Start
from tests.support.agents import contents, take
from tests.support.tokens import ALICE, BOB, token

BYTES_PER_SECOND = 50_000
#: Of 25 kB: on that line they take three times as long as a line may be silent.
MESSAGES = 12


@pytest.mark.timeout(300)
async def test_a_long_history_takes_as_long_as_it_takes(serve: Serve, through: Through) -> None:
    server = await serve(ping_seconds=1, ping_timeout_seconds=1)
    url = str(server.make_url(""))
    proxy = await through(url)
    proxy.slow_down(BYTES_PER_SECOND)
    texts = [f"{number:02}" + "x" * 25_000 for number in range(MESSAGES)]
    async with (
        hearth_realtime.connect(url, token=BOB) as bob,
        hearth_realtime.connect(proxy.url, token=ALICE) as alice,
    ):
        his = await bob.circle("dev-team")
        for text in texts:
            await his.publish("user_message", {"content": text})
        hers = await alice.circle("dev-team", history=MESSAGES)
        assert contents(await take(hers, MESSAGES)) == texts
        assert proxy.accepted == 1


@pytest.mark.timeout(300)
async def test_large_messages_are_published_and_a_token_renewed_meanwhile(
    server: TestServer, through: Through
) -> None:
    proxy = await through(str(server.make_url("")))
    proxy.slow_down(4 * BYTES_PER_SECOND)
    given: list[str] = []

    def give() -> str:
        given.append(token("alice", "user", "*:*:rw", expires_in=600 if given else 5))
        return given[-1]

    async with hearth_realtime.connect(proxy.url, token=give) as hearth:
        circle = await hearth.circle("dev-team")
        texts = [f"{number:02}" + "x" * 100_000 for number in range(10)]
        sends = [circle.publish("user_message", {"content": text}) for text in texts]
        receipts = await asyncio.gather(*sends)
        assert not any(receipt.duplicate for receipt in receipts)
        assert contents(await take(circle, 10)) == texts
    assert len(given) == 2
    assert proxy.accepted == 1


class Dribbling:
    """An Engine.IO server that wants to hear of its client all the while, and sends slowly.

    Args:
        whole: whether it ends what it has begun to send.
    """

    def __init__(self, whole: bool) -> None:
        self.whole = whole
        self.ended = asyncio.Event()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        opening = {"sid": "1", "upgrades": [], "pingInterval": 400, "pingTimeout": 400}
        await socket.send_str("0" + json.dumps(opening))
        assert request.transport is not None
        # One text frame of 4,000 bytes (RFC 6455 §5.2), for twice as long as silence may last.
        frame = b"\x81\x7e" + (4000).to_bytes(2, "big") + b"4" + b"x" * 3999
        for start in range(0, len(frame), 50):
            request.transport.write(frame[start : start + 50])
            await asyncio.sleep(0.02)
            if not self.whole and start == 500:
                break
        await self.ended.wait()
        return socket


@pytest.mark.parametrize("whole", [True, False], ids=["slow", "silent"])
async def test_a_wire_lives_while_bytes_pass(start_server: Start, whole: bool) -> None:
    dribbling = Dribbling(whole)
    app = web.Application()
    app.router.add_get("/socket.io/", dribbling.serve)
    server = await start_server(app, TestServer)
    wire = Wire(Address.of(str(server.make_url(""))), print)
    await wire.open()
    messages = wire.messages()
    if whole:
        assert await anext(messages) == "x" * 3999
    else:
        with pytest.raises(StopAsyncIteration):
            await anext(messages)
        assert wire.why_ended == "nothing has come for 1 s"
    dribbling.ended.set()
    await wire.close()


async def test_whoever_is_cancelled_while_it_closes_a_wire_leaves_nothing(
    start_server: Start,
) -> None:
    dribbling = Dribbling(whole=False)
    app = web.Application()
    app.router.add_get("/socket.io/", dribbling.serve)
    server = await start_server(app, TestServer)
    wire = Wire(Address.of(str(server.make_url(""))), print)
    await wire.open()
    closing = asyncio.create_task(wire.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert wire._http.closed
    dribbling.ended.set()


async def test_what_is_not_engine_io_is_no_connection(start_server: Start) -> None:
    async def greet(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("hello")
        return socket

    app = web.Application()
    app.router.add_get("/socket.io/", greet)
    wire = Wire(Address.of(str((await start_server(app, TestServer)).make_url(""))), print)
    with pytest.raises(HearthError, match="is not Hearth, and speaks something else"):
        await wire.open()
    await wire.close()
