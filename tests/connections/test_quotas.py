"""Limits over the connections of one identity, and of one address."""

from __future__ import annotations

import time
from typing import Any

import aiohttp
import pytest
import socketio
from aiohttp.test_utils import TestServer

from app.app_keys import HUB, SERVER
from app.application import create_app
from app.core.identity import parse_grants
from app.core.quota import RETRY_SECONDS
from app.hub.quotas import REFUSAL_COST
from app.settings import Settings
from tests.fixtures.clients import Connect
from tests.fixtures.logs import Logs
from tests.fixtures.servers import Serve, Start
from tests.support.client import Client
from tests.support.clock import SettableClock
from tests.support.metrics import scrape
from tests.support.poller import Poller
from tests.support.ready import until
from tests.support.tokens import AGENT, ALICE, BOB, SECRET

MOST = 3


def url_of(server: TestServer) -> str:
    return str(server.make_url(""))


async def refused(url: str, token: str | None = ALICE, **options: Any) -> Any:
    """Return what a client is refused with."""
    client = Client(url, "/circles", token, **options)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect()
    return await client.refused


@pytest.fixture
async def few(serve: Serve) -> TestServer:
    """A server that takes few connections of one identity."""
    return await serve(connections_per_identity=MOST)


@pytest.fixture
async def narrow(serve: Serve) -> TestServer:
    """A server that takes few connections from one address."""
    return await serve(connections_per_address=MOST)


# Connections of an identity


async def test_one_connection_too_many_is_refused_and_those_that_are_there_stay(
    few: TestServer, connect: Connect, logs: Logs
) -> None:
    first, *_others = [await connect(url=url_of(few)) for _number in range(MOST)]
    error = await refused(url_of(few))
    assert error["data"] == {
        "code": "rate_limited",
        "message": "This identity has too many connections.",
        "temporary": True,
        "retry_after": RETRY_SECONDS,
    }
    await first.join()
    await connect(token=BOB, url=url_of(few))  # somebody else's are theirs
    [line] = logs.refusals()
    assert (line["reason"], line["whose"]) == ("connections", "user:alice")
    assert line["admitted_by"] == "CONNECTIONS_PER_IDENTITY"
    assert (await scrape(few))["hearth_refused_total", ("connections",)] == 1


async def test_who_leaves_makes_room(few: TestServer, connect: Connect) -> None:
    clients = [await connect(url=url_of(few)) for _number in range(MOST)]
    await clients[1].disconnect()
    await until(lambda: len(few.app[SERVER].eio.sockets) < MOST)
    await connect(url=url_of(few))
    assert (await refused(url_of(few)))["data"]["code"] == "rate_limited"


async def test_a_connection_counts_once_however_many_namespaces_it_is_in(
    few: TestServer, connect: Connect
) -> None:
    sio = socketio.AsyncClient(reconnection=False)
    namespaces = ["/circles", "/chat", "/agents", "/workspaces", "/feeds"]
    await sio.connect(
        url_of(few), auth={"token": ALICE}, namespaces=namespaces, transports=["websocket"]
    )
    for _number in range(MOST - 1):
        await connect(url=url_of(few))
    assert (await refused(url_of(few)))["data"]["code"] == "rate_limited"
    await sio.disconnect()
    await until(lambda: len(few.app[SERVER].eio.sockets) < MOST)
    await connect(url=url_of(few))


async def test_a_refused_token_counts_for_nobody(few: TestServer, connect: Connect) -> None:
    for _number in range(2 * MOST):
        assert (await refused(url_of(few), "no token"))["data"]["code"] == "unauthorized"
    for _number in range(MOST):
        await connect(url=url_of(few))


async def test_who_comes_back_takes_the_place_of_its_former_connection(
    few: TestServer, connect: Connect
) -> None:
    """Also where the server has not noticed that it is lost."""
    for _number in range(MOST - 1):
        await connect(url=url_of(few))
    auth: dict[str, Any] = {"token": ALICE, "recover": True}
    former = socketio.AsyncClient(reconnection=False)
    replies: list[Any] = []
    handle = former._handle_connect

    async def note(namespace: str, data: Any) -> None:
        replies.append(data)
        await handle(namespace, data)

    former._handle_connect = note
    options = {"namespaces": ["/circles"], "transports": ["websocket"], "wait": True}
    await former.connect(url_of(few), auth=auth, **options)
    again = socketio.AsyncClient(reconnection=False)
    await again.connect(url_of(few), auth=auth | {"pid": replies[0]["pid"]}, **options)
    assert (await refused(url_of(few)))["data"]["code"] == "rate_limited"
    await until(lambda: not former.connected)
    # Who doesn't come back for it takes no place by naming it.
    for auth in ({"pid": replies[0]["pid"]}, {"pid": "x" * 32, "recover": True}):
        other = socketio.AsyncClient(reconnection=False)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await other.connect(url_of(few), auth={"token": ALICE} | auth, **options)
    await again.disconnect()
    await former.disconnect()


@pytest.mark.parametrize(
    "settings",
    [
        {"anonymous_grants": parse_grants(["circles:*:r"])},
        {"auth_secret": None, "auth_mode": "none"},
    ],
    ids=["strangers", "development"],
)
async def test_strangers_and_developers_have_no_quota(
    serve: Serve, connect: Connect, settings: dict[str, Any]
) -> None:
    server = await serve(connections_per_identity=1, messages_per_second_per_identity=1, **settings)
    for _number in range(3):
        client = await connect(url=url_of(server), token=None)
        answers = [await client.request("ping") for _number in range(5)]
        assert all(answer["ok"] for answer in answers)
        limits = (await client.next("connection_ack"))["data"]["limits"]
        assert limits["messages_per_second_per_identity"] == 0


async def test_nothing_is_kept_of_who_has_left(few: TestServer, connect: Connect) -> None:
    client = await connect(url=url_of(few))
    book = few.app[HUB].quotas._book
    assert len(book) == 1
    await client.disconnect()
    await until(lambda: len(book) == 0)
    assert few.app[HUB].quotas._shares == {}


# Connections from an address


async def test_one_from_an_address_too_many_is_refused_at_its_handshake(
    narrow: TestServer, connect: Connect, session: aiohttp.ClientSession, logs: Logs
) -> None:
    first, *_others = [await connect(url=url_of(narrow), token=who) for who in (ALICE, BOB, AGENT)]
    for transport in ("polling", "websocket"):
        query = {"EIO": "4", "transport": transport}
        async with session.get(narrow.make_url("/socket.io/"), params=query) as response:
            assert response.status == 429
            assert response.headers["Retry-After"] == str(round(RETRY_SECONDS))
            error = (await response.json())["error"]
        assert (error["code"], error["reason"]) == ("rate_limited", "address")
        assert error["retry_after"] == RETRY_SECONDS
    with pytest.raises(aiohttp.WSServerHandshakeError, match="429"):
        await session.ws_connect(narrow.make_url("/socket.io/?EIO=4&transport=websocket"))
    await first.join()
    line = logs.refusals()[0]
    assert (line["reason"], line["address"]) == ("address", "127.0.0.1")
    assert line["admitted_by"] == "CONNECTIONS_PER_ADDRESS"


async def test_an_address_has_room_again_once_one_of_its_connections_is_closed(
    narrow: TestServer, session: aiohttp.ClientSession, connect: Connect
) -> None:
    pollers = [await Poller(session, narrow).open() for _number in range(MOST)]
    with pytest.raises(AssertionError, match="address"):
        await Poller(session, narrow).open()
    async with session.post(pollers[0].url, data="1"):  # it closes
        pass
    await Poller(session, narrow).open()


async def test_strangers_share_their_address(
    serve: Serve, connect: Connect, session: aiohttp.ClientSession
) -> None:
    server = await serve(connections_per_address=1, auth_secret=None, auth_mode="none")
    await connect(url=url_of(server), token=None)
    with pytest.raises(aiohttp.WSServerHandshakeError, match="429"):
        await session.ws_connect(server.make_url("/socket.io/?EIO=4&transport=websocket"))


# Requests of an identity


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


# Channels of a connection


async def test_a_connection_is_in_so_many_channels_of_all_namespaces_together(
    serve: Serve, logs: Logs
) -> None:
    server = await serve(channels_per_connection=3)
    sio = socketio.AsyncClient(reconnection=False)
    await sio.connect(
        url_of(server),
        auth={"token": ALICE},
        namespaces=["/circles", "/workspaces"],
        transports=["websocket"],
    )

    async def ask(event: str, channel: str, namespace: str = "/circles") -> Any:
        return await sio.call(event, {"channel": channel}, namespace=namespace)

    for channel in ("a", "b"):
        assert (await ask("join", channel))["ok"]
    assert (await ask("join", "c", "/workspaces"))["ok"]
    error = (await ask("join", "d"))["error"]
    assert (error["code"], error["message"]) == (
        "forbidden",
        "A connection joins at most 3 channels at a time.",
    )
    assert (await ask("join", "a"))["ok"]  # again
    assert (await ask("leave", "c", "/workspaces"))["ok"]
    assert (await ask("join", "d"))["ok"]
    [line] = logs.refusals()
    assert (line["reason"], line["admitted_by"]) == ("channels", "CHANNELS_PER_CONNECTION")
    await sio.disconnect()
    joined = server.app[HUB].memberships._joined
    await until(lambda: not joined._counts)
