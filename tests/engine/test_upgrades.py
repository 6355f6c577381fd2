"""Moving from polling to a WebSocket: it loses nothing, also when it fails halfway."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import SERVER
from app.core.closing import Closing
from tests.fixtures.clients import Connect
from tests.fixtures.logs import Logs
from tests.support.poller import Poller
from tests.support.raw import RawWebSocket, raw_websocket
from tests.support.tokens import ALICE, BOB


@pytest.fixture
async def poller(server: TestServer, session: aiohttp.ClientSession) -> Poller:
    """A session that has joined `/circles`."""
    return await (await Poller(session, server).open()).join("/circles", ALICE)


def query(poller: Poller) -> str:
    return f"EIO=4&transport=websocket&sid={poller.sid}"


async def probe(socket: RawWebSocket, poller: Poller) -> None:
    """Go as far as the server's `3probe`."""
    assert (await socket.handshake(query(poller))).status == 101
    socket.write("2probe")
    assert await socket.next() == "3probe"


async def still_polls(poller: Poller) -> bool:
    """Tell whether the session is served as if nothing had been."""
    hanging = await poller.hang()
    assert await poller.post('42/circles,9["ping"]') == 200
    packets = await hanging
    while not any(one.startswith("43/circles,9") for one in packets):
        packets += await poller.poll()
    return "6" not in packets


async def until_given_up(poller: Poller) -> None:
    connection = poller.connection
    async with asyncio.timeout(30):
        while not connection.may_upgrade:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)


@pytest.mark.parametrize("packet", ["x", "", "5", "3probe", "2", "4hello", "2probe2", b"2probe"])
async def test_garbage_in_place_of_a_probe_leaves_polling_alone(
    server: TestServer, poller: Poller, packet: str | bytes
) -> None:
    async with raw_websocket(server) as socket:
        assert (await socket.handshake(query(poller))).status == 101
        socket.write(packet)
        await socket.closed()
    assert await still_polls(poller)


@pytest.mark.parametrize("packet", ["x", "2probe", "4hello", b"5"])
async def test_garbage_behind_the_probe_leaves_polling_alone(
    server: TestServer, poller: Poller, packet: str | bytes
) -> None:
    async with raw_websocket(server) as socket:
        await probe(socket, poller)
        socket.write(packet)
        await socket.closed()
    assert await still_polls(poller)


@pytest.mark.parametrize("probed", [False, True])
async def test_a_websocket_that_drops_leaves_polling_alone(
    server: TestServer, poller: Poller, probed: bool
) -> None:
    async with raw_websocket(server) as socket:
        if probed:
            await probe(socket, poller)
        else:
            assert (await socket.handshake(query(poller))).status == 101
    await until_given_up(poller)
    assert await still_polls(poller)


async def test_a_websocket_that_breaks_the_protocol_leaves_polling_alone(
    server: TestServer, poller: Poller, logs: Logs
) -> None:
    async with raw_websocket(server) as socket:
        await probe(socket, poller)
        socket.writer.write(b"\x81\x015")  # unmasked
        assert await socket.close_code() == 1002
    assert await still_polls(poller)
    assert logs.tracebacks() == []


async def test_what_was_sent_before_a_move_failed_is_polled_for(
    server: TestServer, poller: Poller
) -> None:
    async with raw_websocket(server) as socket:
        await probe(socket, poller)
        assert await poller.post('42/circles,5["ping"]') == 200
        assert await poller.poll() == ["6"]  # so that the client can move
    await until_given_up(poller)
    assert any(one.startswith("43/circles,5") for one in await poller.until("43"))


async def test_a_second_probe_is_turned_away_and_the_first_goes_on(
    server: TestServer, poller: Poller
) -> None:
    async with raw_websocket(server) as first, raw_websocket(server) as second:
        await probe(first, poller)
        assert (await second.handshake(query(poller))).status == 101
        second.write("2probe")
        await second.closed()
        first.write("5")
        first.write('42/circles,1["ping"]')
        assert (await first.until("43"))[-1] != ""


async def test_nobody_probes_a_session_that_has_moved(server: TestServer, poller: Poller) -> None:
    async with raw_websocket(server) as first, raw_websocket(server) as second:
        await probe(first, poller)
        first.write("5")
        first.write('42/circles,1["ping"]')
        await first.until("43")
        assert (await second.handshake(query(poller))).status == 101
        second.write("2probe")
        await second.closed()
        assert await poller.status() == 400
        assert await poller.post('42/circles,2["ping"]') == 400
        first.write('42/circles,3["ping"]')
        assert str((await first.until("43"))[-1]).startswith("43/circles,3")


async def test_a_poll_that_waits_is_released_and_the_websocket_gets_no_noop(
    server: TestServer, poller: Poller
) -> None:
    hanging = await poller.hang()
    async with raw_websocket(server) as socket:
        await probe(socket, poller)
        assert await hanging == ["6"]
        assert await poller.poll() == ["6"]
        socket.write("5")
        socket.write('42/circles,1["ping"]')
        got = [*await socket.until("43"), *await socket.until('42/circles,["pong"')]
    assert [str(one).partition("[")[0] for one in got] == ["43/circles,1", "42/circles,"]


@pytest.mark.parametrize("polls", [False, True])
async def test_messages_of_the_meantime_arrive_once_and_in_order(
    server: TestServer, poller: Poller, connect: Connect, polls: bool
) -> None:
    bob = await connect(token=BOB)
    await poller.post('42/circles,1["join",{"channel":"c"}]')
    received: list[str | bytes] = list(await poller.until("43"))
    sent = 0

    async def publish(times: int = 3) -> None:
        nonlocal sent
        for _time in range(times):
            message = {"channel": "c", "data": {"content": f"<{sent}>"}}
            assert (await bob.request("user_message", message))["ok"]
            sent += 1

    await publish()
    async with raw_websocket(server) as socket:
        assert (await socket.handshake(query(poller))).status == 101
        await publish()
        if polls:
            received += await poller.poll()
        hanging = await poller.hang() if polls else None
        await publish(1)
        received += await hanging if hanging else []
        socket.write("2probe")
        assert await socket.next() == "3probe"
        await publish()
        if polls:
            assert await poller.poll() == ["6"]
        await publish()
        socket.write("5")
        await publish()
        socket.write('42/circles,2["ping"]')
        received += await socket.until("43/circles,2")
    texts = [str(one) for one in received if str(one).startswith('42/circles,["user_message"')]
    assert [text.partition("<")[2].partition(">")[0] for text in texts] == [
        str(number) for number in range(sent)
    ]


async def test_who_is_moving_when_its_session_is_closed_is_told_so(
    server: TestServer, poller: Poller
) -> None:
    """It polls no more: engine.io-client waits for its ping timeout if the WebSocket just ends."""
    async with raw_websocket(server) as socket:
        await probe(socket, poller)
        connection = server.app[SERVER].eio.sockets[poller.sid]
        connection.send("4last words")
        connection.close(Closing.UNAVAILABLE)
        socket.write("5")
        assert [await socket.next(), await socket.next()] == ["4last words", "1"]
        await socket.closed()


async def test_a_session_that_ends_takes_its_probe_with_it(
    server: TestServer, poller: Poller
) -> None:
    async with raw_websocket(server) as socket:
        await probe(socket, poller)
        await server.app[SERVER].eio.disconnect(poller.sid)
        await socket.closed()


async def test_a_stranger_cannot_upgrade(server: TestServer, poller: Poller) -> None:
    async with raw_websocket(server) as socket:
        assert (await socket.handshake("EIO=4&transport=websocket&sid=made-up")).status == 400
