"""The budget of requests that the connections of one identity share."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import SERVER
from app.application import create_app
from app.hub.quotas import REFUSAL_COST
from app.settings import Settings
from tests.fixtures.clients import Connect
from tests.fixtures.logs import Logs
from tests.fixtures.servers import Start
from tests.support.clock import SettableClock
from tests.support.tokens import AGENT, BOB, SECRET


def url_of(server: TestServer) -> str:
    return str(server.make_url(""))


@pytest.fixture
def clock() -> SettableClock:
    """A clock that the test moves; tokens of the tests hold by it."""
    return SettableClock(time.time())


async def server_with(start_server: Start, clock: SettableClock, **settings: Any) -> str:
    known: dict[str, Any] = {"auth_secret": SECRET, "auth_mode": "required"}
    known |= {"messages_per_second": 0, "agent_messages_per_second": 0}
    return url_of(await start_server(create_app(Settings(**(known | settings)), clock)))


async def test_connections_of_one_identity_share_one_budget(
    start_server: Start, connect: Connect, clock: SettableClock, logs: Logs
) -> None:
    url = await server_with(start_server, clock, messages_per_second_per_identity=10)
    tabs = [await connect(url=url) for _number in range(5)]
    answers = [await tab.request("ping") for tab in tabs for _number in range(6)]
    assert sum(answer["ok"] for answer in answers) == 10
    error = answers[-1]["error"]
    assert error["code"] == "rate_limited"
    assert "this identity" in error["message"]
    clock.advance(error["retry_after"] + 0.001)  # as far as a clock of 1970 is exact
    assert (await tabs[-1].request("ping"))["ok"]
    bob = await connect(url=url, token=BOB)
    assert (await bob.request("ping"))["ok"]
    line = logs.refusals()[0]
    assert (line["reason"], line["whose"]) == ("identity_rate", "user:alice")
    assert line["admitted_by"] == "MESSAGES_PER_SECOND_PER_IDENTITY"


async def test_reconnecting_brings_no_new_budget(
    start_server: Start, connect: Connect, clock: SettableClock
) -> None:
    url = await server_with(start_server, clock, messages_per_second_per_identity=10)
    tab = await connect(url=url)
    for _number in range(20):
        await tab.request("ping")
    admitted = 0
    for _number in range(10):
        again = await connect(url=url)
        admitted += sum([(await again.request("ping"))["ok"] for _number in range(5)])
        await again.disconnect()
    assert admitted == 0


async def test_who_sends_little_is_not_refused_for_another_ones_flood(
    start_server: Start, connect: Connect, clock: SettableClock
) -> None:
    url = await server_with(start_server, clock, messages_per_second_per_identity=30)
    tab, *flood = [await connect(url=url) for _number in range(3)]
    refusals = 0
    for _time in range(20):
        answers = [await one.request("ping") for one in flood for _number in range(30)]
        refusals += sum(not answer["ok"] for answer in answers)
        clock.advance(0.2)
        assert (await tab.request("ping"))["ok"]
    assert refusals > 20 * 60 - 4 * 30 - 40


async def test_who_goes_on_over_the_budget_is_not_read_for_a_while(
    start_server: Start, connect: Connect, clock: SettableClock
) -> None:
    """Each refusal is an answer, and many connections would have many."""
    server = await start_server(
        create_app(
            Settings(auth_secret=SECRET, auth_mode="required", messages_per_second_per_identity=1),
            clock,
        )
    )
    client = await connect(url=url_of(server))
    [session] = server.app[SERVER].eio.sockets.values()
    assert (await client.request("ping"))["ok"]
    before = session.intake.left
    for _number in range(10):
        assert not (await client.request("ping"))["ok"]
    assert session.intake.left < before - 10 * REFUSAL_COST


async def test_agents_have_twenty_times_the_budget_and_a_rate_of_their_own(
    start_server: Start, connect: Connect, clock: SettableClock
) -> None:
    url = await server_with(
        start_server,
        clock,
        messages_per_second=5,
        agent_messages_per_second=40,
        messages_per_second_per_identity=2,
    )
    agent, alice = await connect(url=url, token=AGENT), await connect(url=url)
    limits = [(await one.next("connection_ack"))["data"]["limits"] for one in (agent, alice)]
    told = [(one["messages_per_second"], one["messages_per_second_per_identity"]) for one in limits]
    assert told == [(40, 40), (5, 2)]
    assert all([(await agent.request("ping"))["ok"] for _number in range(40)])
    assert not (await agent.request("ping"))["ok"]
    assert sum([(await alice.request("ping"))["ok"] for _number in range(10)]) == 2


async def test_an_agents_connection_has_a_rate_of_its_own(
    start_server: Start, connect: Connect, clock: SettableClock, logs: Logs
) -> None:
    url = await server_with(
        start_server,
        clock,
        messages_per_second=2,
        agent_messages_per_second=10,
        messages_per_second_per_identity=0,
    )
    agent = await connect(url=url, token=AGENT)
    assert sum([(await agent.request("ping"))["ok"] for _number in range(25)]) == 20
    clock.advance(1)
    assert sum([(await agent.request("ping"))["ok"] for _number in range(15)]) == 10
    line = logs.refusals()[0]
    assert (line["reason"], line["admitted_by"]) == ("rate_limited", "AGENT_MESSAGES_PER_SECOND")
