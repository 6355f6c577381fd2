"""What python-socketio's managers ask of connections in other processes.

The two servers are in this process, each with connections of its own to one Redis: so a test can
call `sio.emit` and the like on either.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from app.app_keys import HUB, SERVER
from app.core.errors import Unavailable
from app.realtime.server import Server
from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.ready import until, until_ready
from tests.support.redis import RedisServer
from tests.support.tokens import AGENT, BOB


@pytest.fixture
async def server(serve: Serve, redis_server: RedisServer) -> TestServer:
    """The process that clients connect to."""
    server = await serve(redis_url=redis_server.url)
    await until_ready(server)
    return server


@pytest.fixture
async def other(serve: Serve, redis_server: RedisServer) -> TestServer:
    """Another process."""
    server = await serve(redis_url=redis_server.url)
    await until_ready(server)
    return server


@pytest.fixture
def sio(other: TestServer) -> Server:
    """The other process's server."""
    sio: Server = other.app[SERVER]
    return sio


@pytest.fixture(params=["process", "worker"])
def manager(request: pytest.FixtureRequest, sio: Server, worker: Any) -> Any:
    """Whoever asks: another process's manager, or a worker's."""
    return sio.manager if request.param == "process" else worker


async def members(client: Any, channel: str = "dev-team") -> list[str]:
    """Return the ids of a channel's members."""
    answer = await client.request("presence", {"channel": channel})
    return [member["id"] for member in answer["members"]]


async def test_emit_to_one_connection(connect: Connect, manager: Any) -> None:
    alice, bob = await connect(), await connect(token=BOB)
    for number in range(20):
        await manager.emit("anything", {"n": number}, room=alice.sid, namespace="/circles")
    await manager.emit("last", (1, "two"), to=alice.sid, namespace="/circles")
    await alice.next("last")
    assert [data["n"] for data in alice.all("anything")] == list(range(20))
    await bob.settle()
    assert bob.all("anything") == []


async def test_emit_to_connections_and_rooms_at_once(
    connect: Connect, sio: Server, worker: Any
) -> None:
    alice, bob, agent = await connect(), await connect(token=BOB), await connect(token=AGENT)
    for client in (alice, bob):
        await client.join()
    rooms = ["dev-team", agent.sid, alice.sid]
    payload = {"agent_id": 7, "content": "Hi"}
    await worker.emit("agent_message", payload, room=rooms, namespace="/circles")
    await sio.emit("agent_message", payload, room=["dev-team", agent.sid], namespace="/circles")
    for number in (1, 2):
        assert (await agent.next("agent_message", number)) == payload
        for client in (alice, bob):
            assert (await client.next("agent_message", number))["offset"] == number
    for client in (alice, bob, agent):
        await client.settle()
        assert len(client.all("agent_message")) == 2


async def test_emit_into_a_channel_but_for_one_connection(
    connect: Connect, sio: Server, manager: Any
) -> None:
    alice, bob = await connect(), await connect(token=BOB)
    for client in (alice, bob):
        await client.join()
    await manager.emit(
        "anything", {"n": 1}, room="dev-team", skip_sid=alice.sid, namespace="/circles"
    )
    assert await bob.next("anything") == {"n": 1}
    await alice.settle()
    assert alice.all("anything") == []


async def test_binary_data_reaches_other_processes(connect: Connect, sio: Server) -> None:
    alice = await connect()
    await alice.join()
    await sio.emit("blob", {"b": b"\x00\x01"}, room="dev-team", namespace="/circles")
    assert await alice.next("blob") == {"b": b"\x00\x01"}


async def test_disconnect_a_client_of_another_process(connect: Connect, sio: Server) -> None:
    alice, bob = await connect(), await connect(token=BOB)
    for client in (alice, bob):
        await client.join()
    await sio.disconnect(alice.sid, namespace="/circles")
    await asyncio.wait_for(alice.disconnected.wait(), 30)
    await until_members(bob, ["bob"])


async def test_a_worker_disconnects_a_client(connect: Connect, worker: Any) -> None:
    alice = await connect()
    await worker.can_disconnect(alice.sid, "/circles")  # stock's `disconnect` needs a server
    await asyncio.wait_for(alice.disconnected.wait(), 30)


async def until_members(client: Any, wanted: list[str]) -> None:
    """Wait until these are in the circle."""
    async with asyncio.timeout(30):
        while await members(client) != wanted:  # noqa: ASYNC110 - nothing else tells of it
            await asyncio.sleep(0.02)


async def test_enter_leave_and_close_a_channel(connect: Connect, manager: Any, sio: Server) -> None:
    agent, alice = await connect(token=AGENT), await connect()
    await alice.join()
    await manager.enter_room(agent.sid, "/circles", "dev-team")
    joined = await alice.next("agent_joined")
    assert joined["data"]["agent_id"] == "agent-7"
    await until_members(alice, ["alice", "agent-7"])
    await sio.emit(
        "agent_message", {"agent_id": 7, "content": "1"}, room="dev-team", namespace="/circles"
    )
    assert (await agent.next("agent_message"))["offset"] == joined["offset"] + 1
    await manager.leave_room(agent.sid, "/circles", "dev-team")
    assert (await alice.next("agent_left"))["data"]["agent_id"] == "agent-7"
    assert await members(alice) == ["alice"]
    await manager.close_room("dev-team", "/circles")
    await until_members(alice, [])
    await sio.emit(
        "agent_message", {"agent_id": 7, "content": "2"}, room="dev-team", namespace="/circles"
    )
    for client in (alice, agent):
        await client.settle()
        assert len(client.all("agent_message")) == 1


async def test_entering_twice_is_entering_once(connect: Connect, manager: Any) -> None:
    agent, alice = await connect(token=AGENT), await connect()
    await alice.join()
    # Its own request and the worker's are under way at once.
    for _ in range(5):
        await manager.enter_room(agent.sid, "/circles", "dev-team")
        await agent.send("join", {"channel": "dev-team"})
    await manager.emit("done", 1, room=agent.sid, namespace="/circles")
    await agent.next("done")
    await agent.settle()
    answer = await alice.request("presence", {"channel": "dev-team"})
    assert [(one["id"], one["connections"]) for one in answer["members"]] == [
        ("alice", 1),
        ("agent-7", 1),
    ]
    await manager.leave_room(agent.sid, "/circles", "dev-team")
    await alice.next("agent_left")
    assert len(alice.all("agent_joined")) == 1


async def test_what_cannot_be_done_is_told_and_ends_nothing(
    connect: Connect, worker: Any, server: TestServer
) -> None:
    alice = await connect()
    with capture_logs() as logs:
        await worker.enter_room(alice.sid, "/circles", "no~room")
        await worker.enter_room("nobody~", "/circles", "dev-team")
        await worker.close_room(alice.sid, "/circles")
        await worker._publish({"method": "enter_room", "sid": alice.sid, "namespace": "/circles"})
        await worker._publish({"method": "no such method", "sid": alice.sid})
        await worker._publish({"method": "emit", "room": alice.sid, "namespace": "/circles"})
        await worker.emit("still", 1, room=alice.sid, namespace="/circles")
        await alice.next("still")
    told = [(line["event"], line["log_level"]) for line in logs if line["log_level"] != "info"]
    assert ("rejected what a worker emitted", "warning") in told
    assert any("enter_room" in str(line.get("reason")) for line in logs)
    assert server.app[HUB].counters.rejected["socketio"] >= 1


async def test_what_is_asked_while_redis_is_away_is_told(
    connect: Connect, sio: Server, redis_server: RedisServer
) -> None:
    alice = await connect()
    sid = alice.sid
    redis_server.stop()
    await until(lambda: not sio.manager._commands.ready)
    for asked in (
        sio.emit("anything", 1, room=sid, namespace="/circles"),
        sio.emit(
            "agent_message", {"agent_id": 7, "content": "1"}, room="dev-team", namespace="/circles"
        ),
        sio.enter_room(sid, "dev-team", namespace="/circles"),
        sio.leave_room(sid, "dev-team", namespace="/circles"),
        sio.close_room("dev-team", namespace="/circles"),
        sio.disconnect(sid, namespace="/circles"),
    ):
        with pytest.raises(Unavailable):
            await asked


async def test_callbacks_come_back_from_another_process(connect: Connect, sio: Server) -> None:
    alice = await connect()
    alice._sio.on("question", lambda number: ("answer", number + 1), namespace="/circles")
    answer = await sio.call("question", 1, to=alice.sid, namespace="/circles", timeout=10)
    assert answer == ("answer", 2)
    answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    await sio.emit(
        *("question", 2, alice.sid),
        namespace="/circles",
        callback=lambda *arguments: answered.set_result(arguments),
    )
    assert await asyncio.wait_for(answered, 30) == ("answer", 3)


async def test_an_answer_is_awaited_in_what_another_asked_for(
    connect: Connect, sio: Server, worker: Any
) -> None:
    # A disconnect handler that waits for an answer through Redis must not hold the answer up.
    alice, bob = await connect(), await connect(token=BOB)
    alice._sio.on("question", lambda: "answer", namespace="/circles")
    answers: list[Any] = []
    manager = sio.manager
    handle = manager._methods["disconnect"]

    async def disconnect(message: dict[str, Any]) -> None:
        answers.append(await sio.call("question", to=alice.sid, namespace="/circles", timeout=10))
        await handle(message)

    manager._methods["disconnect"] = disconnect
    await worker.can_disconnect(bob.sid, "/circles")
    await asyncio.wait_for(bob.disconnected.wait(), 30)
    await until(lambda: answers == ["answer"])


async def test_a_worker_cannot_ask_for_a_callback(connect: Connect, worker: Any) -> None:
    alice = await connect()
    with pytest.raises(RuntimeError):
        await worker.emit("x", 1, room=alice.sid, namespace="/circles", callback=lambda: None)
