"""What Prometheus reads."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from app.core.closing import Closing
from app.core.errors import HearthError
from app.core.refused import Refused
from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.metrics import scrape
from tests.support.plain import PlainClient
from tests.support.ready import until_ready
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE, BOB


async def test_messages_deliveries_and_failures_are_counted(
    server: TestServer, connect: Connect
) -> None:
    alice, bob = await connect(), await connect(token=BOB)
    for client in (alice, bob):
        await client.join()
    before = await scrape(server)
    for number in range(3):
        message = {"channel": "dev-team", "data": {"content": str(number)}}
        await alice.request("user_message", message)
    await alice.request("user_message", {"channel": "dev-team"})
    for client in (alice, bob):
        await client.next("user_message", 3)
    after = await scrape(server)
    published = ("hearth_published_total", ("/circles", "user_message"))
    delivered = ("hearth_delivered_total", ())
    assert after[published] == 3
    assert after[delivered] - before[delivered] >= 6  # and a circle_status may have come
    assert after["hearth_failed_total", ("invalid",)] == 1
    assert after["hearth_members", ("/circles",)] == 2
    assert after["hearth_ready", ()] == 1
    assert after["process_resident_memory_bytes", ()] > 0


@pytest.mark.parametrize(
    "shared",
    [
        pytest.param(False, id="memory"),
        pytest.param(True, id="redis", marks=pytest.mark.processes),
    ],
)
async def test_what_is_published_is_counted_whichever_way_it_came_in(
    serve: Serve,
    connect: Connect,
    session: aiohttp.ClientSession,
    request: pytest.FixtureRequest,
    shared: bool,
) -> None:
    redis = {"redis_url": request.getfixturevalue("redis_server").url} if shared else {}
    server = await serve(**redis)
    await until_ready(server)
    url = server.make_url("/ws/circles/dev-team").with_query(token=ALICE)
    alice = PlainClient(await session.ws_connect(url))
    for _repeated in range(2):
        await alice.send({"type": "user_message", "content": "Hi", "nonce": "n1"})
    await alice.settle()
    bob = await connect(url=str(server.make_url("")), token=BOB)
    message = {"channel": "dev-team", "data": {"content": "Hi"}}
    assert (await bob.request("user_message", message))["ok"]
    samples = await scrape(server)
    assert samples["hearth_published_total", ("/circles", "user_message")] == 2


async def test_what_is_known_beforehand_counts_from_zero(server: TestServer) -> None:
    samples = await scrape(server)
    for name, label in (
        *(("hearth_failed_total", error.code) for error in HearthError.__subclasses__()),
        *(("hearth_closed_total", closing.reason) for closing in Closing),
        *(("hearth_refused_total", refused.label) for refused in Refused),
        *(("hearth_returned_total", "recovered"), ("hearth_members", "/circles")),
    ):
        assert samples[name, (label,)] == 0


async def test_ends_are_counted_by_reason(server: TestServer, connect: Connect) -> None:
    alice, bob = await connect(), await connect(token=BOB)
    await alice.disconnect()
    while not (await scrape(server))["hearth_closed_total", ("transport close",)]:
        await bob.settle()
    assert (await scrape(server))["hearth_members", ("/circles",)] == 1


async def test_history_in_memory_has_a_size(server: TestServer, connect: Connect) -> None:
    alice = await connect()
    assert (await scrape(server))["hearth_history_bytes", ()] == 0
    message = {"channel": "dev-team", "data": {"content": "x" * 1000}}
    await alice.request("user_message", message)
    samples = await scrape(server)
    assert 1000 < samples["hearth_history_bytes", ()] < 2000
    assert ("hearth_inbox_bytes", ()) not in samples


async def test_the_inbox_has_a_size(
    serve: Serve, connect: Connect, redis_server: RedisServer
) -> None:
    server = await serve(redis_url=redis_server.url)
    await until_ready(server)
    alice = await connect(url=str(server.make_url("")))
    assert (await scrape(server))["hearth_inbox_bytes", ()] == 0
    message = {"channel": "dev-team", "data": {"content": "x" * 1000}}
    await alice.request("user_message", message)
    samples = await scrape(server)
    assert 1000 < samples["hearth_inbox_bytes", ()] < 2000
    assert samples["hearth_inbox_lost_total", ()] == 0
    redis_server.stop()
    assert ("hearth_inbox_bytes", ()) not in await scrape(server)
