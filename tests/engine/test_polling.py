"""Long polling without a client library: what a body that is no payload does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import HUB, SERVER
from app.engine.first_requests import FirstRequests
from tests.fixtures.clients import Connect
from tests.fixtures.logs import BAD_PACKET, Logs
from tests.support.poller import Poller
from tests.support.tokens import ALICE, BOB


@pytest.fixture
async def poller(server: TestServer, session: aiohttp.ClientSession) -> Poller:
    """A session that has joined `/circles`."""
    return await (await Poller(session, server).open()).join("/circles", ALICE)


async def test_who_opens_a_session_and_asks_for_nothing_more_has_gone(
    server: TestServer, session: aiohttp.ClientSession
) -> None:
    engine = server.app[SERVER].eio
    engine._first_requests = FirstRequests(seconds=0.1)
    stays = await Poller(session, server).open()
    hanging = await stays.hang()
    gone = await Poller(session, server).open()
    while gone.sid in engine.sockets:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0.01)
    assert await gone.status() == 400
    assert stays.sid in engine.sockets
    hanging.cancel()


async def test_a_bad_packet_ends_the_session_and_the_poll_that_hangs(
    server: TestServer,
    poller: Poller,
    connect: Connect,
    logs: Logs,
) -> None:
    bystander = await connect(token=BOB)
    hanging = await poller.hang()
    await poller.post("4x")
    assert await hanging == ["1"]  # Engine.IO's CLOSE
    assert logs.events() == [BAD_PACKET]
    assert await poller.post('42/circles,1["ping"]') == 400
    assert (await bystander.request("ping"))["ok"] is True


async def test_the_packets_behind_a_bad_one_are_not_handled(
    server: TestServer, session: aiohttp.ClientSession, logs: Logs
) -> None:
    poller = await Poller(session, server).open()
    connect = "40/circles," + json.dumps({"token": ALICE})
    await poller.post("4x", connect, '42/circles,1["ping"]', "4x")
    assert list(server.app[SERVER].manager.get_namespaces()) == []
    assert logs.events() == [BAD_PACKET]


async def test_several_packets_of_one_body_are_answered_in_order(poller: Poller) -> None:
    numbers = list(range(15))
    await poller.post(*(f'42/circles,{number}["ping",{number}]' for number in numbers))
    acks: list[str] = []
    while len(acks) < len(numbers):
        acks += [packet for packet in await poller.poll() if packet.startswith("43")]
    assert [ack.partition("[")[0] for ack in acks] == [f"43/circles,{n}" for n in numbers]


async def test_a_stranger_has_no_session(poller: Poller) -> None:
    poller.url = poller.url.update_query(sid="made-up")
    assert await poller.post("4x") == 400


async def test_a_body_may_hold_as_many_packets_as_the_client_had(
    poller: Poller, logs: Logs
) -> None:
    """socket.io-client puts whatever it has into one body; the limit that it knows is in bytes."""
    assert await poller.post(*(f'42/circles,{number}["ping"]' for number in range(40))) == 200
    assert logs.tracebacks() == []


async def test_a_body_of_several_segments_arrives_whole(poller: Poller, logs: Logs) -> None:
    assert await poller.post('42/circles,1["ping","' + "x" * 500_000 + '"]') == 200
    acks = [packet for packet in await poller.poll() if packet.startswith("43/circles,1")]
    assert acks


@pytest.mark.parametrize("body", ["x", "7ping", "4" + "[" * 10_000, "bA", "d=", "4\x1e"])
async def test_a_body_that_is_no_payload_is_refused(poller: Poller, logs: Logs, body: str) -> None:
    assert await poller.post(body) == 400
    assert logs.tracebacks() == []


async def test_a_slow_handler_keeps_nobody_from_sending(
    server: TestServer, poller: Poller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that polls sends no pong before its last POST is answered."""
    may_end = asyncio.Event()
    presence = server.app[HUB].presence

    async def slow_presence(*args: Any) -> Any:
        await may_end.wait()
        return await presence(*args)

    monkeypatch.setattr(server.app[HUB], "presence", slow_presence)
    assert await poller.post('42/circles,1["presence",{"channel":"c"}]') == 200
    assert await poller.post("3", '42/circles,2["ping"]') == 200
    may_end.set()
    acks = [one for one in await poller.until("43/circles,2") if one.startswith("43")]
    assert [ack.partition("[")[0] for ack in acks] == ["43/circles,1", "43/circles,2"]
