"""Long polling without a client library: what a body that is no payload does."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from app.keys import SERVER
from tests.conftest import ALICE, BOB, Connect
from tests.realtime.conftest import BAD_PACKET, Logs

QUERY = {"EIO": "4", "transport": "polling"}
SEPARATOR = "\x1e"


class Poller:
    """One Engine.IO session over HTTP."""

    def __init__(self, session: aiohttp.ClientSession, server: TestServer) -> None:
        self._session = session
        self._server = server
        self._url = server.make_url("/socket.io/").with_query(QUERY)
        self.sid = ""

    async def open(self) -> Poller:
        opened = await self.poll()
        self.sid = json.loads(opened[0][1:])["sid"]
        self._url = self._url.update_query(sid=self.sid)
        return self

    async def poll(self) -> list[str]:
        """Return the packets of the next response."""
        async with self._session.get(self._url) as response:
            return (await response.text()).split(SEPARATOR)

    async def hang(self) -> asyncio.Task[list[str]]:
        """Poll with nothing to fetch; return when the server has the request."""
        poll = asyncio.create_task(self.poll())
        connection = self._server.app[SERVER].eio.sockets[self.sid]
        for _turn in range(10_000):
            await asyncio.sleep(0)
            if connection.polled:
                return poll
        raise AssertionError("the request has not arrived")

    async def post(self, *packets: str) -> int:
        """Send packets; return the status."""
        async with self._session.post(self._url, data=SEPARATOR.join(packets)) as response:
            return response.status

    async def join(self, namespace: str, token: str) -> Poller:
        await self.post(f"40{namespace}," + json.dumps({"token": token}))
        packets = await self.poll()
        while not any("connection_ack" in packet for packet in packets):
            assert packets[0].startswith(f"40{namespace},")
            packets += await self.poll()
        return self


@pytest.fixture
async def poller(server: TestServer, session: aiohttp.ClientSession) -> Poller:
    """A session that has joined `/circles`."""
    return await (await Poller(session, server).open()).join("/circles", ALICE)


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
    poller._url = poller._url.update_query(sid="made-up")
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
