"""Slow consumers: members that do not read are cut off past `MAX_UNSENT_BYTES` (promise 7)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import SERVER
from app.engine.session import EngineSession
from tests.fixtures.clients import Connect
from tests.fixtures.logs import Logs
from tests.fixtures.servers import Serve
from tests.support.client import Client
from tests.support.poller import Poller
from tests.support.raw import raw_websocket
from tests.support.tokens import ALICE, BOB, SERVICE
from tests.support.wire import Wire

LIMIT = 100_000
TEXT_BYTES = 50_000
MESSAGE_BYTES = TEXT_BYTES + 1000
MUCH = 200  # messages that make one answer of more than the kernel's buffers hold
PLENTY = 400  # messages, more than all the kernel's buffers hold
CUT_OFF = "cut off a connection that does not read"
JOIN = '42/circles,1["join",{"channel":"c","history":1000}]'


@pytest.fixture
async def server(serve: Serve) -> TestServer:
    """A server that lets little be unsent."""
    return await serve(max_unsent_bytes=LIMIT, messages_per_second=0)


@pytest.fixture
async def reader(connect: Connect) -> Client:
    """A member that reads what it gets."""
    reader = await connect(token=SERVICE)
    await reader.join("c")
    return reader


@pytest.fixture
async def bob(connect: Connect) -> Client:
    """Somebody who talks."""
    return await connect(token=BOB)


async def say(bob: Client, size: int = TEXT_BYTES) -> None:
    answer = await bob.request("user_message", {"channel": "c", "data": {"content": "x" * size}})
    assert answer["ok"]


async def until_cut_off(bob: Client, connection: EngineSession, limit: int) -> int:
    """Talk until somebody is cut off, and watch what is unsent to it; return how often."""
    for number in range(PLENTY):
        if connection.closed:
            return number
        await say(bob)
        assert unsent(connection) <= limit
    raise AssertionError("still not cut off")


def unsent(connection: EngineSession) -> int:
    if connection.socket is not None:
        size: int = connection.socket._transport.get_write_buffer_size()
        return size
    return connection._poll_buffer.size


def sockets(server: TestServer) -> dict[str, EngineSession]:
    found: dict[str, EngineSession] = server.app[SERVER].eio.sockets
    return found


def names(presence: dict[str, Any]) -> list[str]:
    return [one["id"] for one in presence["members"]]


def are_whole(recovered: tuple[dict[str, Any], list[dict[str, Any]]], sent: int) -> bool:
    answer, messages = recovered
    offsets = [message["offset"] for message in messages]
    return answer["recovered"] is True and offsets == list(range(1, sent + 1))


async def test_a_member_that_does_not_read_is_cut_off_and_recovers(
    server: TestServer,
    reader: Client,
    bob: Client,
    logs: Logs,
    session: aiohttp.ClientSession,
) -> None:
    async with raw_websocket(server, receive_buffer_bytes=4096) as slow:
        sid = await slow.engine()
        slow.write("40/circles," + json.dumps({"token": ALICE}))
        await slow.until('42/circles,["connection_ack"')
        slow.write(JOIN)
        epoch = json.loads(str((await slow.until("43"))[-1])[13:-1])["epoch"]
        connection = sockets(server)[sid]
        sent = await until_cut_off(bob, connection, LIMIT + 2 * MESSAGE_BYTES)

        assert sid not in sockets(server)
        assert unsent(connection) == 0
        assert logs.events() == [CUT_OFF]
        assert logs.lines[0]["reason"] == "slow"
        assert logs.lines[0]["address"] == "127.0.0.1"
    await say(bob)
    await reader.next("user_message", sent + 1)
    offsets = [one["offset"] for one in reader.all("user_message")]
    assert offsets == list(range(1, sent + 2))
    assert names(await bob.request("presence", {"channel": "c"})) == ["ci"]

    again = await (await Wire.open(session, server)).join("/circles", ALICE)
    since = {"channel": "c", "since": {"offset": 0, "epoch": epoch}}
    assert are_whole(await again.recover(json.dumps(["join", since])), sent + 1)
    await again.close()


async def test_a_member_that_does_not_poll_is_cut_off_and_recovers(
    server: TestServer,
    reader: Client,
    bob: Client,
    logs: Logs,
    session: aiohttp.ClientSession,
) -> None:
    slow = await (await Poller(session, server).open()).join("/circles", ALICE)
    await slow.post(JOIN)
    joined = await slow.acknowledged()
    connection = slow.connection
    sent = await until_cut_off(bob, connection, LIMIT + 2 * MESSAGE_BYTES)

    assert LIMIT // MESSAGE_BYTES <= sent <= LIMIT // TEXT_BYTES + 3
    assert slow.sid not in sockets(server)
    assert unsent(connection) < 10
    assert logs.events() == [CUT_OFF]
    assert (await slow.status(), await slow.post("3")) == (400, 400)
    await reader.next("user_message", sent)
    assert names(await bob.request("presence", {"channel": "c"})) == ["ci"]

    again = await (await Poller(session, server).open()).join("/circles", ALICE)
    since = {"channel": "c", "since": {"offset": 0, "epoch": joined["epoch"]}}
    await again.post("42/circles,1" + json.dumps(["join", since]))
    assert are_whole(await again.recovered(), sent)


async def test_one_message_over_the_limit_cuts_off_nobody_who_reads(
    server: TestServer, reader: Client, bob: Client, logs: Logs, session: aiohttp.ClientSession
) -> None:
    poller = await (await Poller(session, server).open()).join("/circles", ALICE)
    await poller.post(JOIN)
    await poller.until("43")
    for number in range(1, 4):
        await say(bob, 9 * LIMIT)
        assert len((await reader.next("user_message", number))["data"]["content"]) == 9 * LIMIT
        [message] = [one for one in await poller.poll() if "user_message" in one[:40]]
        assert len(message) > 9 * LIMIT
    assert logs.events() == []


async def test_a_long_history_cuts_off_nobody_who_reads(
    server: TestServer, bob: Client, logs: Logs, session: aiohttp.ClientSession
) -> None:
    for _number in range(MUCH):
        await say(bob)
    wire = await (await Wire.open(session, server)).join("/circles", ALICE)
    poller = await (await Poller(session, server).open()).join("/circles", ALICE)
    for _time in range(2):
        answer, messages = await wire.recover('["join",{"channel":"c","history":1000}]')
        assert answer["following"] == MUCH - len(answer["messages"])
        assert sum(len(json.dumps(one)) for one in answer["messages"]) <= LIMIT + MESSAGE_BYTES
        assert len(messages) == MUCH
        await poller.post(JOIN)
        _answer, messages = await poller.recovered()
        assert len(messages) == MUCH
    assert logs.events() == []
    await wire.close()


async def test_who_asks_for_a_long_history_and_does_not_read_has_little_held_for_it(
    server: TestServer, bob: Client
) -> None:
    for _number in range(MUCH):
        await say(bob)
    async with raw_websocket(server, receive_buffer_bytes=4096) as slow:
        sid = await slow.engine()
        slow.write("40/circles," + json.dumps({"token": ALICE}))
        await slow.until('42/circles,["connection_ack"')
        slow.write(JOIN)
        slow.write('42/circles,2["ping"]')
        packets = await slow.until("43/circles,2")
        for _number in range(20):
            await say(bob)
            assert unsent(sockets(server)[sid]) <= LIMIT + MESSAGE_BYTES
        [answer] = [str(one) for one in packets if str(one).startswith("43/circles,1")]
        offsets = [one["offset"] for one in json.loads(answer[12:])[0]["messages"]]
        while offsets[-1] < MUCH + 20:
            packet = str(packets.pop(0) if packets else await slow.next())
            if packet.startswith('42/circles,["user_message"'):
                offsets.append(json.loads(packet[11:])[1]["offset"])
        assert offsets == list(range(1, MUCH + 21))


async def test_what_follows_an_answer_over_the_limit_cuts_off_nobody_who_reads(
    server: TestServer, bob: Client, session: aiohttp.ClientSession
) -> None:
    """Who recovers much would be cut off by the next live message, and again when it is back."""
    for _number in range(MUCH):
        await say(bob)
    wire = await (await Wire.open(session, server)).join("/circles", ALICE)
    await wire.send(JOIN)
    await wire.send('42/circles,2["ping"]')
    await wire.next("43/circles,1")
    await wire.next("43/circles,2")


async def test_what_is_buffered_for_slow_members_is_one_copy(
    server: TestServer, bob: Client, session: aiohttp.ClientSession
) -> None:
    """A member's bytes are the room's: nobody keeps more than the limit and one message."""
    pollers = [
        await (await Poller(session, server).open()).join("/circles", ALICE) for _number in range(3)
    ]
    for poller in pollers:
        await poller.post(JOIN)
        await poller.until("43")
    await asyncio.gather(*(say(bob) for _number in range(2)))
    frames = [poller.connection._poll_buffer._frames for poller in pollers]
    large = [[id(frame) for frame in one if len(frame) > TEXT_BYTES] for one in frames]
    assert large[0]
    assert large[0] == large[1] == large[2]
