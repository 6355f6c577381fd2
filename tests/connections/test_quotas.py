"""Limits over the connections of one identity, and of one address."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
import socketio
from aiohttp.test_utils import TestServer

from app.app_keys import HUB, SERVER
from app.core.identity import parse_grants
from app.core.quota import RETRY_SECONDS
from tests.fixtures.clients import Connect
from tests.fixtures.logs import Logs
from tests.fixtures.servers import Serve
from tests.support.client import Client
from tests.support.metrics import scrape
from tests.support.poller import Poller
from tests.support.ready import until
from tests.support.tokens import AGENT, ALICE, BOB

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
