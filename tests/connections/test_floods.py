"""Floods on one connection cost its neighbours nothing, whatever they are made of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import HUB, SERVER
from app.core.closing import Closing
from app.engine import posts
from app.engine.session import CLOSE_PACKET
from app.transport.limits import STRANGER_BYTES
from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.poller import Poller
from tests.support.raw import RawWebSocket, raw_websocket
from tests.support.ready import until
from tests.support.tokens import ALICE, BOB

FLOOD = 2000
#: What is read of a flood at once, and in the seconds that a test takes at most.
RATE, MOST_ANSWERED = 1, 6 + 2 * 60

FLOODS: dict[str, Callable[[int], str]] = {
    "requests": lambda number: f'42/circles,{number}["ping"]',
    "acknowledgements": lambda number: f"43/circles,{number}[]",
    "events of no namespace": lambda number: f'42/chat,{number}["ping"]',
    "Engine.IO's pongs": lambda _number: "3",
}


async def enter(client: RawWebSocket, token: str) -> None:
    """Enter `/circles` by hand."""
    await client.engine()
    client.write(f'40/circles,{{"token":"{token}"}}')
    await client.until("40/circles,")


@pytest.mark.parametrize("packet", FLOODS.values(), ids=FLOODS.keys())
async def test_who_floods_is_read_slowly_and_others_at_once(
    serve: Serve, connect: Connect, packet: Callable[[int], str]
) -> None:
    server = await serve(messages_per_second=RATE)
    bystander = await connect(token=BOB, url=str(server.make_url("")))
    async with raw_websocket(server) as flooder:
        await enter(flooder, ALICE)
        for number in range(FLOOD):
            flooder.write(packet(number))
        sessions = server.app[SERVER].eio.sockets
        while not (  # noqa: ASYNC110 - nobody tells of it
            slowed := [one for one in sessions.values() if not one.listening]
        ):
            await asyncio.sleep(0)
        (session,) = slowed
        assert (await bystander.request("ping"))["ok"] is True
        assert session.held_bytes < 2 * STRANGER_BYTES
        assert not session.closed
        tasks = len(asyncio.all_tasks())
    assert tasks < 50


async def test_a_flood_of_requests_is_refused_and_then_not_read(serve: Serve) -> None:
    server = await serve(messages_per_second=RATE)
    async with raw_websocket(server) as flooder:
        await enter(flooder, ALICE)
        for number in range(FLOOD):
            flooder.write(FLOODS["requests"](number))
        refused = 0
        while refused < 3:
            refused += '"rate_limited"' in str(await flooder.next())
        counters = server.app[HUB].counters
        assert counters.failed["rate_limited"] < MOST_ANSWERED
        await until(lambda: counters.refused["flood"] > 0)


async def test_a_post_of_a_million_packets_leaves_others_their_turns(
    serve: Serve, session: aiohttp.ClientSession, connect: Connect
) -> None:
    server = await serve(messages_per_second=0)
    bystander = await connect(token=BOB, url=str(server.make_url("")))
    poller = await (await Poller(session, server).open()).join("/circles", ALICE)
    posting = asyncio.create_task(poller.post(*["3"] * 990_000))
    (polling,) = [one for one in server.app[SERVER].eio.sockets.values() if not one.upgraded]
    while not polling.posts.resting:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)
    assert (await bystander.request("ping"))["ok"] is True
    assert not posting.done()
    assert await posting == 200


async def test_a_post_of_more_than_may_be_sent_ends_its_session(
    serve: Serve, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has arrived as a whole: it would be held until all of it is handled."""
    monkeypatch.setattr(posts, "MOST_SECONDS", 1.5)
    server = await serve(messages_per_second=RATE)
    poller = await (await Poller(session, server).open()).join("/circles", ALICE)
    assert await poller.post(*["3"] * FLOOD) == 400
    assert (await poller.poll())[-1] == CLOSE_PACKET


async def test_a_closed_session_holds_no_post(serve: Serve, session: aiohttp.ClientSession) -> None:
    server = await serve(messages_per_second=RATE)
    poller = await (await Poller(session, server).open()).join("/circles", ALICE)
    polling = poller.connection
    posting = asyncio.create_task(poller.post(*["3"] * FLOOD))
    while not polling.posts.resting:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)
    assert polling.held_bytes >= FLOOD
    polling.close(Closing.SERVER_DISCONNECT)
    await posting
    assert polling.posts.held_bytes == 0


# Strangers


STRANGE = {
    "a large frame": ("4" + "x" * STRANGER_BYTES, 1009),
    "attachments": ('4510-/circles,["x"]', 1000),
    "a large CONNECT": ('40/circles,{"token":"' + "x" * STRANGER_BYTES + '"}', 1009),
}


@pytest.mark.parametrize(("text", "code"), STRANGE.values(), ids=STRANGE.keys())
async def test_who_is_not_let_in_sends_little(server: TestServer, text: str, code: int) -> None:
    async with raw_websocket(server) as stranger:
        await stranger.engine()
        stranger.write(text)
        assert await stranger.close_code() == code


async def test_who_is_let_in_sends_more(server: TestServer) -> None:
    async with raw_websocket(server) as client:
        await enter(client, ALICE)
        client.write(f'42/circles,1["ping","{"x" * 10 * STRANGER_BYTES}"]')
        assert '"ok":true' in str((await client.until("43/circles,1["))[-1])


async def test_a_strangers_post_is_small(
    server: TestServer, session: aiohttp.ClientSession
) -> None:
    poller = await Poller(session, server).open()
    async with session.post(poller.url, data="4" * (STRANGER_BYTES + 1)) as response:
        assert response.status == 413
