"""Development mode on a loopback address: everybody has all rights, as the log says."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestServer

from app.auth import DEVELOPMENT_SECRET
from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.documented import TYPES, Documented
from tests.support.tokens import token

ANN = token("ann", "user", "circles:lobby:r", secret=DEVELOPMENT_SECRET)
AGENT = token("agent-7", "agent", secret=DEVELOPMENT_SECRET)
CHANNELS = {"/notifications": "user:bob", "/chat": "support/app/42"}


@pytest.fixture
async def server(serve: Serve) -> TestServer:
    """A server as one on a developer's machine."""
    return await serve(auth_mode="none", auth_secret=None)


@pytest.mark.parametrize("row", TYPES, ids=str)
@pytest.mark.parametrize("brought", [None, ANN], ids=["nobody", "ann"])
async def test_everybody_publishes_every_type(
    connect: Connect, row: Documented, brought: str | None
) -> None:
    client = await connect(row.namespace, token=brought)
    channel = CHANNELS.get(row.namespace, "7")
    assert (await client.request("join", {"channel": channel}))["ok"]
    answer = await client.request(row.name, {"channel": channel, "data": row.minimal})
    assert answer["ok"], answer
    assert (await client.next(row.name))["data"] == row.minimal


async def test_everybody_publishes_open_types(connect: Connect) -> None:
    client = await connect("/notifications", token=ANN)
    message = {"channel": "user:ann", "data": {"title": "Updated"}}
    assert (await client.request("my_plugin_update", message))["ok"]
    assert (await client.next("my_plugin_update"))["data"] == {"title": "Updated"}


async def test_everybody_speaks_as_any_agent(connect: Connect) -> None:
    client = await connect(token=AGENT)
    message = {"channel": "dev-team", "data": {"agent_id": "agent-8", "content": "Hello"}}
    assert (await client.request("agent_message", message))["ok"]


async def test_who_is_no_agent_needs_no_agent_id(connect: Connect) -> None:
    client = await connect(token=ANN)
    message = {"channel": "dev-team", "data": {"content": "Hello"}}
    assert (await client.request("join", {"channel": "dev-team"}))["ok"]
    assert (await client.request("agent_message", message))["ok"]
    assert (await client.next("agent_message"))["data"] == {"content": "Hello", "agent_id": "ann"}


async def test_nobody_does_where_others_reach_the_server(serve: Serve, connect: Connect) -> None:
    server = await serve(auth_mode="none", auth_secret=None, host="0.0.0.0")
    client = await connect(token=None, url=str(server.make_url("")))
    message = {"channel": "dev-team", "data": {"agent_id": "a", "content": "I am a bot"}}
    answer = await client.request("agent_message", message)
    assert answer["error"]["code"] == "forbidden"
