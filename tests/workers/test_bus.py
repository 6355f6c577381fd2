"""The event bus reaches members: what other systems publish in Redis (docs/protocol.md)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.core.channel import Channel
from app.hub.draft import Draft
from app.workers.routes import ROUTES, Route, keyed
from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.process import HearthProcess
from tests.support.ready import until_ready
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE, BOB
from tests.workers.rejected import rejected

ServeRoutes = Callable[[dict[str, Route]], Awaitable[str]]

FILE = {"workspace_id": "site", "path": "a.py"}
FEEDS = ("codeworm:logs", "codeworm:events", "codeworm:stats")
# For each route: a message, and the channel and type that members get it in.
EVENTS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "agent.message": (
        {"circle_name": "hall", "agent_id": 7, "content": "Hi"},
        "/circles",
        "hall",
        "agent_message",
    ),
    "agent.status": (
        {"agent_id": 7, "status": "busy", "detail": "testing"},
        "/agents",
        "7",
        "agent_status",
    ),
    "agent.activity": (
        {"agent_id": "agent-7", "activity": "reads"},
        "/agents",
        "agent-7",
        "agent_activity",
    ),
    "workspace.file_changed": (FILE | {"size": 3}, "/workspaces", "site", "file_changed"),
    "workspace.file_created": (FILE, "/workspaces", "site", "file_created"),
    "workspace.file_deleted": (FILE, "/workspaces", "site", "file_deleted"),
    "workspace.git_status": (
        {"workspace_id": 3, "branch": "main", "ahead": 1, "changed": ["a.py"]},
        "/workspaces",
        "3",
        "git_status",
    ),
    "codeworm:logs": ({"line": "Hi", "level": 3}, "/feeds", "codeworm:logs", "log"),
    "codeworm:events": ({"type": "started"}, "/feeds", "codeworm:events", "event"),
    "codeworm:stats": ({"cpu": 0.5}, "/feeds", "codeworm:stats", "stats"),
}
KEYED = sorted(EVENTS.keys() - set(FEEDS))


def test_every_route_is_tried() -> None:
    assert EVENTS.keys() == ROUTES.keys()


@pytest.mark.parametrize("source", EVENTS)
async def test_every_route_reaches_members(connect: Connect, redis: Any, source: str) -> None:
    message, namespace, name, event = EVENTS[source]
    client = await connect(namespace)
    await client.join(name)
    await redis.publish(source, json.dumps(message))
    got = await client.next(event)
    timestamp = got.pop("timestamp")
    assert timestamp.endswith("Z")
    # In a circle nobody but users is here, so that nothing of Hearth's own has an offset.
    assert got == {"type": event, "channel": name, "data": message, "offset": 1}


async def test_a_message_nobody_is_there_for_is_in_history(connect: Connect, redis: Any) -> None:
    client = await connect("/workspaces")
    for path in ("a.py", "b.py"):
        await redis.publish("workspace.file_changed", json.dumps(FILE | {"path": path}))
    async with asyncio.timeout(30):
        while True:
            history = await client.request("history", {"channel": "site"})
            if len(history["messages"]) == 2:
                break
    assert [message["data"]["path"] for message in history["messages"]] == ["a.py", "b.py"]


async def test_an_envelope_with_a_nonce_is_published_once(connect: Connect, redis: Any) -> None:
    client = await connect()
    await client.join("hall")
    envelope = {
        "type": "agent_message",
        "circle_name": "hall",
        "data": {"agent_id": 7, "content": "Hi"},
        "sender": {"id": "agent-7", "kind": "agent"},
        "nonce": "n1",
    }
    for nonce in ("n1", "n1", "n2"):
        await redis.publish("agent.message", json.dumps(envelope | {"nonce": nonce}))
    await client.next("agent_message", 2)
    await client.settle()
    got = client.all("agent_message")
    assert [(message["nonce"], message["offset"]) for message in got] == [("n1", 1), ("n2", 2)]
    assert (got[0]["sender"], got[0]["data"]) == (envelope["sender"], envelope["data"])


async def test_each_process_takes_part_and_members_get_everything_once(
    processes: list[HearthProcess], connect: Connect, redis: Any
) -> None:
    circles = [await connect(url=process.url, token=BOB) for process in processes]
    feeds = [await connect("/feeds", url=process.url, token=ALICE) for process in processes]
    for circle, feed in zip(circles, feeds, strict=True):
        await circle.join("hall")
        await feed.join("codeworm:logs")
    for number in range(50):
        message = {"circle_name": "hall", "agent_id": 7, "content": str(number)}
        await redis.publish("agent.message", json.dumps(message))
        await redis.publish("codeworm:logs", str(number))
    for circle, feed in zip(circles, feeds, strict=True):
        await circle.next("agent_message", 50)
        await feed.next("log", 50)
        for client in (circle, feed):
            await client.settle()
        said = [(got["data"]["content"], got["offset"]) for got in circle.all("agent_message")]
        logged = [(got["data"]["raw"], got["offset"]) for got in feed.all("log")]
        assert said == logged == [(str(number), number + 1) for number in range(50)]


@pytest.mark.parametrize("source", KEYED)
async def test_garbage_is_rejected_once_with_the_reason(
    serve: Serve, connect: Connect, redis: Any, redis_server: RedisServer, source: str
) -> None:
    another = await serve(redis_url=redis_server.url)  # of two processes, one rejects it
    await until_ready(another)
    message, namespace, name, event = EVENTS[source]
    client = await connect(namespace)
    await client.join(name)
    wrong_name = json.dumps(dict.fromkeys(message, "no {such} name"))
    garbage = [b"\xff\x00", b"", b"{", b"[]", b"7", b"{}", wrong_name.encode(), b"[" * 100_000]
    for data in garbage:
        await redis.publish(source, data)
    await redis.publish(source, json.dumps(message))
    assert (await client.next(event))["offset"] == 1
    entries = await rejected(redis, len(garbage))
    assert [fields["data"] for fields in entries] == [data[:16_384] for data in garbage]
    assert {fields["source"] for fields in entries} == {source.encode()}
    reasons = [fields["reason"].decode().partition(": ")[0] for fields in entries]
    key = {"/circles": "circle_name", "/workspaces": "workspace_id", "/agents": "agent_id"}
    expected = ["message"] * 5 + [key[namespace], "channel", "message"]
    assert reasons == expected


async def test_what_does_not_fit_the_type_is_rejected(connect: Connect, redis: Any) -> None:
    client = await connect()
    await client.join("hall")
    good = {"circle_name": "hall", "agent_id": 7, "content": "Hi"}
    for wrong in ({"content": 7}, {"agent_id": None}, {"deep": json.loads("[" * 70 + "]" * 70)}):
        await redis.publish("agent.message", json.dumps(good | wrong))
    await redis.publish("agent.message", json.dumps(good))
    assert (await client.next("agent_message"))["offset"] == 1
    reasons = [fields["reason"].decode() for fields in await rejected(redis, 3)]
    assert [reason.partition(":")[0] for reason in reasons] == [
        "data.content",
        "data.agent_id",
        "data",
    ]


@pytest.mark.parametrize("source", FEEDS)
async def test_a_feed_takes_everything(connect: Connect, redis: Any, source: str) -> None:
    event = EVENTS[source][3]
    client = await connect("/feeds")
    await client.join(source)
    for text in ("plain text", "{", '{"cpu": NaN}', "[1]", '{"a": 1}'):
        await redis.publish(source, text)
    await redis.publish(source, b"\xff")
    await client.next(event, 6)
    raw = [message["data"].get("raw") for message in client.all(event)]
    assert raw == ["plain text", "{", '{"cpu": NaN}', "[1]", None, "\ufffd"]
    assert await redis.exists("hearth:rejected") == 0


@pytest.fixture
def serve_routes(
    serve: Serve, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> ServeRoutes:
    """Return a function that serves with further routes, on keys of its own; it returns the URL."""

    async def serve_with(routes: dict[str, Route]) -> str:
        for source, route in routes.items():
            monkeypatch.setitem(ROUTES, source, route)
        server = await serve(redis_url=redis_server.url, hearth_prefix="another")
        await until_ready(server)
        return str(server.make_url(""))

    return serve_with


async def test_a_new_route_is_one_line(
    serve_routes: ServeRoutes, connect: Connect, redis: Any
) -> None:
    def shout(data: bytes) -> Draft:
        content = data.decode().upper()
        payload = {"agent_id": "crier", "content": content}
        return Draft(Channel("/circles", "hall"), "agent_message", payload)

    updated = keyed("/notifications", "user", "task_update")
    url = await serve_routes({"task.updated": updated, "hall.cried": shout})
    user, circle = await connect("/notifications", url=url), await connect("/circles", url=url)
    await circle.join("hall")
    await redis.publish("task.updated", json.dumps({"user": "user:alice", "task_id": 3}))
    await redis.publish("hall.cried", "oyez")
    assert (await user.next("task_update"))["data"] == {"user": "user:alice", "task_id": 3}
    assert (await circle.next("agent_message"))["data"]["content"] == "OYEZ"


async def test_a_route_that_fails_stops_nobody(
    serve_routes: ServeRoutes, connect: Connect, redis: Any
) -> None:
    def overlooks_something(data: bytes) -> Draft:
        return Draft(Channel("/circles", json.loads(data)["circle"]), "agent_message", {})

    client = await connect("/circles", url=await serve_routes({"hall.cried": overlooks_something}))
    await client.join("hall")
    await redis.publish("hall.cried", "{}")
    message = {"circle_name": "hall", "agent_id": 7, "content": "Hi"}
    await redis.publish("agent.message", json.dumps(message))
    await client.next("agent_message")
    (entry,) = await rejected(redis, 1, "another:rejected")
    assert (entry["source"], entry["data"]) == (b"hall.cried", b"{}")
    assert b"KeyError" in entry["reason"]
