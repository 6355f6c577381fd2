"""Workers that emit through stock Redis managers (docs/protocol.md, "Emits")."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import socketio
from structlog.testing import capture_logs

from tests.fixtures.clients import Connect
from tests.support.ready import until
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE, BOB


async def test_a_bare_payload_is_completed_to_an_envelope(connect: Connect, worker: Any) -> None:
    alice = await connect()
    joined = await alice.request("join", {"channel": "dev-team"})
    await worker.emit(
        "agent_message", {"agent_id": 7, "content": "Hi"}, room="dev-team", namespace="/circles"
    )
    message = await alice.next("agent_message")
    timestamp = message.pop("timestamp")
    assert message == {
        "type": "agent_message",
        "channel": "dev-team",
        "data": {"agent_id": 7, "content": "Hi"},
        "offset": joined["offset"] + 1,
    }
    assert timestamp.endswith("Z")


async def test_an_envelope_keeps_what_the_worker_knows(connect: Connect, worker: Any) -> None:
    alice = await connect("/workspaces")
    await alice.join("site")
    envelope = {
        "type": "file_changed",
        "channel": "site",
        "data": {"path": "a.py", "lines": 3},
        "timestamp": "2001-01-01T00:00:00Z",
        "action": "saved",
        "sender": {"id": "agent-7", "kind": "agent"},
        "nonce": "n1",
    }
    for _repeated in range(2):
        await worker.emit("file_changed", envelope, room="site", namespace="/workspaces")
    await worker.emit("file_deleted", {"path": "a.py"}, room="site", namespace="/workspaces")
    await alice.next("file_deleted")
    (message,) = alice.all("file_changed")  # the nonce was published once
    assert message["timestamp"] != envelope["timestamp"]  # the server's to set
    assert message == {**envelope, "timestamp": message["timestamp"], "offset": 1}


async def test_a_synchronous_manager_reaches_members_too(
    connect: Connect, redis_server: RedisServer
) -> None:
    alice = await connect("/notifications", token=ALICE)
    bob = await connect("/notifications", token=BOB)
    manager = socketio.RedisManager(redis_server.url, write_only=True)
    notification = {"title": "Build", "message": "done"}
    await asyncio.to_thread(
        manager.emit, "notification", notification, room="user:alice", namespace="/notifications"
    )
    await asyncio.to_thread(
        manager.emit, "system_announcement", {"message": "Hi"}, namespace="/notifications"
    )
    await asyncio.to_thread(manager.redis.close)
    assert (await alice.next("notification"))["data"] == notification
    for client in (alice, bob):
        announcement = await client.next("system_announcement")
        assert announcement["channel"] == "broadcast"
    assert bob.all("notification") == []


async def test_rooms_as_a_list_and_a_namespace_as_a_whole(connect: Connect, worker: Any) -> None:
    alice, bob = await connect("/feeds"), await connect("/feeds", token=BOB)
    await alice.join("codeworm:logs")
    await bob.join("codeworm:stats")
    both = ["codeworm:logs", "codeworm:stats"]
    await worker.emit("log", {"line": 1}, room=both, namespace="/feeds")
    await worker.emit("log", {"line": 2}, namespace="/feeds")
    for client, channel in ((alice, both[0]), (bob, both[1])):
        await client.next("log", 2)
        assert [(m["channel"], m["data"], m["offset"]) for m in client.all("log")] == [
            (channel, {"line": 1}, 1),
            (channel, {"line": 2}, 2),
        ]


@pytest.mark.parametrize(
    ("event", "data", "room"),
    [
        ("agent_message", {"agent_id": 7}, "dev-team"),
        ("agent_message", "Hi", "dev-team"),
        ("agent_message", None, "dev-team"),
        ("agent_message", {"agent_id": 7, "content": float("nan")}, "dev-team"),
        ("no_such_type", {}, "dev-team"),
        ("agent_message", {"agent_id": 7, "content": "x"}, "dev {team}"),
        ("agent_message", {"type": "agent_message", "data": {}, "colour": 1}, "dev-team"),
        (
            "agent_message",
            {
                "type": "agent_message",
                "data": {"agent_id": 7, "content": "x"},
                "channel": "other",
            },
            "dev-team",
        ),
    ],
)
async def test_what_no_schema_accepts_is_not_delivered(
    connect: Connect,
    worker: Any,
    event: str,
    data: Any,
    room: str,
) -> None:
    alice = await connect()
    await alice.join()
    with capture_logs() as logs:
        await worker.emit(event, data, room=room, namespace="/circles")
        await worker.emit(
            "agent_message", {"agent_id": 7, "content": "ok"}, room="dev-team", namespace="/circles"
        )
        message = await alice.next("agent_message")
        await until(lambda: any(line["log_level"] != "info" for line in logs))
    assert (message["data"]["content"], message["offset"]) == ("ok", 1)
    assert alice.all("no_such_type") == []
    warnings = [line["event"] for line in logs if line["log_level"] != "info"]
    assert warnings == ["rejected what a worker emitted"]
    (entry,) = await worker.redis.xrange("hearth:rejected")
    _id, fields = entry
    assert fields.keys() == {b"source", b"reason", b"data"}
    assert json.loads(fields[b"data"])["event"] == event


async def test_one_connection_is_reached_by_its_sid_as_in_stock(
    connect: Connect, worker: Any
) -> None:
    alice, bob = await connect(), await connect(token=BOB)
    await worker.emit("anything", {"for": "alice"}, room=alice.sid, namespace="/circles")
    assert await alice.next("anything") == {"for": "alice"}
    await bob.settle()
    assert bob.all("anything") == []


async def test_binary_data_is_left_to_stock(connect: Connect, worker: Any) -> None:
    alice = await connect()
    await alice.join()
    await worker.emit("blob", b"\x00\x01", room="dev-team", namespace="/circles")
    assert await alice.next("blob") == b"\x00\x01"


async def test_garbage_on_the_redis_channel_disturbs_nothing(
    connect: Connect, worker: Any, redis_server: RedisServer
) -> None:
    alice = await connect()
    await alice.join()
    await worker.emit(
        "agent_message", {"agent_id": 1, "content": "first"}, room="dev-team", namespace="/circles"
    )
    for garbage in (
        b"\xff",
        b"[]",
        b"7",
        b'{"method": "emit"}',
        b'{"method": []}',
        b'{"method": "emit", "namespace": "/circles", "room": {"a": 1}}',
        b'{"method": "emit", "namespace": [], "room": 7, "data": 7, "event": 7}',
        b'{"method": "disconnect"}',
        b'{"method": "close_room"}',
        b"[" * 100_000,
    ):
        await worker.redis.publish("socketio", garbage)
    await worker.emit(
        "agent_message", {"agent_id": 1, "content": "last"}, room="dev-team", namespace="/circles"
    )
    await alice.next("agent_message", 2)
    assert [m["data"]["content"] for m in alice.all("agent_message")] == ["first", "last"]
