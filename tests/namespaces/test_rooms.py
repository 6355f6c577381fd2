"""`emit`, `enter_room` and the like where rooms are channels, in memory and with Redis."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import SERVER
from schemas.errors import SchemaError
from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.ready import until_ready
from tests.support.redis import RedisServer
from tests.support.tokens import AGENT


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.processes)])
async def server(serve: Serve, request: pytest.FixtureRequest) -> TestServer:
    """A server that keeps messages here or there."""
    if request.param == "memory":
        return await serve()
    redis_server: RedisServer = request.getfixturevalue("redis_server")
    server = await serve(redis_url=redis_server.url)
    await until_ready(server)
    return server


@pytest.fixture
def sio(server: TestServer) -> Any:
    """The server, as an application has it."""
    return server.app[SERVER]


PAYLOAD = {"agent_id": 7, "content": "Hi"}


async def test_an_emit_of_the_server_is_a_message(connect: Connect, sio: Any) -> None:
    alice = await connect()
    joined = await alice.request("join", {"channel": "dev-team"})
    await sio.emit("agent_message", PAYLOAD, room="dev-team", namespace="/circles")
    await sio.emit("agent_message", PAYLOAD, to=["dev-team", "other"], namespace="/circles")
    for number in (1, 2):
        message = await alice.next("agent_message", number)
        assert (message["data"], message["offset"]) == (PAYLOAD, joined["offset"] + number)
    kept = await alice.request("history", {"channel": "other"})
    assert [message["data"] for message in kept["messages"]] == [PAYLOAD]


@pytest.mark.parametrize(
    ("event", "data", "room", "wrong"),
    [
        ("agent_message", {"agent_id": 7}, "dev-team", "content"),
        ("agent_message", None, "dev-team", "data"),
        ("agent_message", ("two", "arguments"), "dev-team", "data"),
        ("no_such_type", {}, "dev-team", "type"),
        ("agent_message", PAYLOAD, "no {room}", "channel"),
        ("agent_message", PAYLOAD, ["dev-team", "no {room}"], "channel"),
    ],
)
async def test_an_emit_that_no_schema_accepts_is_an_error(
    connect: Connect, sio: Any, event: str, data: Any, room: Any, wrong: str
) -> None:
    alice = await connect()
    joined = await alice.request("join", {"channel": "dev-team"})
    with pytest.raises(SchemaError, match=wrong):
        await sio.emit(event, data, room=room, namespace="/circles")
    assert (await alice.request("history", {"channel": "dev-team"}))["offset"] == joined["offset"]


async def test_a_list_of_connections_and_rooms(connect: Connect, sio: Any) -> None:
    alice, agent = await connect(), await connect(token=AGENT)
    await alice.request("join", {"channel": "dev-team"})
    rooms = [agent.sid, "dev-team", alice.sid]
    await sio.emit("agent_message", PAYLOAD, room=rooms, namespace="/circles")
    assert await agent.next("agent_message") == PAYLOAD
    assert (await alice.next("agent_message"))["data"] == PAYLOAD
    for client in (alice, agent):
        await client.settle()
        assert len(client.all("agent_message")) == 1


async def test_enter_and_leave(connect: Connect, sio: Any) -> None:
    alice, agent = await connect(), await connect(token=AGENT)
    await alice.request("join", {"channel": "dev-team"})
    for _ in range(2):
        await sio.enter_room(agent.sid, "dev-team", namespace="/circles")
    assert "dev-team" in sio.rooms(agent.sid, namespace="/circles")
    await sio.emit("agent_message", PAYLOAD, room="dev-team", namespace="/circles")
    await agent.next("agent_message")
    for _ in range(2):
        await sio.leave_room(agent.sid, "dev-team", namespace="/circles")
    await alice.next("agent_left")
    assert len(alice.all("agent_joined")) == 1
    await sio.close_room("dev-team", namespace="/circles")
    assert (await alice.request("presence", {"channel": "dev-team"}))["members"] == []


async def test_a_room_that_cannot_be_a_channel(connect: Connect, sio: Any) -> None:
    alice = await connect()
    with pytest.raises(SchemaError, match="channel"):
        await sio.enter_room(alice.sid, "no {room}", namespace="/circles")
    assert (await alice.request("join", {"channel": "dev-team"}))["ok"]
