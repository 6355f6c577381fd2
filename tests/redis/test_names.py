"""Names in any script reach keys of Redis, other processes, workers and presence unharmed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from redis.crc import key_slot

from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.ready import until_ready
from tests.support.redis import RedisServer
from tests.support.tokens import token

NAMES = [
    "Dev Team",
    "équipe: à 2",
    "開発\u3000チーム/β",
    "it's 100% [a-z]? (b|c) & $HOME; #1 `x`",
    "a:b:c",
    "🚀",
]


@pytest.fixture
async def server(serve: Serve, redis_server: RedisServer) -> TestServer:
    server = await serve(redis_url=redis_server.url)
    await until_ready(server)
    return server


@pytest.mark.parametrize("name", NAMES)
async def test_a_circle_of_that_name_works_throughout(
    serve: Serve,
    connect: Connect,
    redis: Any,
    redis_server: RedisServer,
    worker: Any,
    name: str,
) -> None:
    another = await serve(redis_url=redis_server.url)
    await until_ready(another)
    grants = (f"circles:{name}:rw", f"chat:*/{name.split('/', maxsplit=1)[0]}/*:rw")
    ann = await connect(token=token(name, "user", *grants))
    bot = await connect(token=token(name, "agent", *grants), url=str(another.make_url("")))
    joined = await ann.join(name)
    assert (await bot.join(name))["presence"]["count"] == 2
    await ann.next("agent_joined")
    own = {"channel": name, "data": {"content": "Hi"}, "nonce": f"{name} 1"}
    for expected in (None, True):
        answer = await ann.request("user_message", own)
        assert (answer["ok"], answer.get("duplicate")) == (True, expected)
    payload = {"agent_id": name, "content": "Hi"}
    await worker.emit("agent_message", payload, room=name, namespace="/circles")
    await redis.publish("agent.message", json.dumps(payload | {"circle_name": name}))
    await worker.emit("agent_message", payload, namespace="/circles")  # into every channel
    for client in (ann, bot):
        assert (await client.next("user_message"))["channel"] == name
        assert [(await client.next("agent_message", n))["channel"] for n in (1, 2, 3)] == [name] * 3
    page = await ann.request("history", {"channel": name})
    assert page["offset"] == joined["offset"] + 5
    assert {one["channel"] for one in page["messages"]} == {name}
    members = (await ann.request("presence", {"channel": name}))["members"]
    assert {(one["id"], one["kind"]) for one in members} == {(name, "user"), (name, "agent")}

    # A channel's keys are in one slot of a Redis Cluster.
    keys = [key for key in await redis.keys("hearth:{*") if b"turn" not in key]
    slots = {key_slot(key) for key in keys}
    assert len(keys) >= 5
    assert len(slots) == 1
    ((_id, entry),) = await redis.xrange("hearth:inbox")
    assert entry[b"channel"].decode() == name
    assert json.loads(entry[b"envelope"])["sender"] == {"id": name, "kind": "user"}


@pytest.mark.parametrize("name", NAMES)
async def test_somebody_of_that_name_gets_notifications(
    connect: Connect, worker: Any, name: str
) -> None:
    ann = await connect("/notifications", token(name))
    data = {"title": "Hi", "message": "You"}
    await worker.emit("notification", data, room=f"user:{name}", namespace="/notifications")
    assert (await ann.next("notification"))["channel"] == f"user:{name}"
    ack = await ann.next("connection_ack")
    assert ack["data"]["user_id"] == name


async def test_a_name_that_no_channel_has_is_rejected_with_the_character(
    connect: Connect, worker: Any, redis: Any
) -> None:
    ann = await connect()
    await ann.join("hall")
    payload = {"agent_id": 7, "content": "Hi"}
    for name in ("two\nlines", "e\u0301quipe", "zero\u200bwidth", "x" * 256):
        await worker.emit("agent_message", payload, room=name, namespace="/circles")
    await worker.emit("agent_message", payload, room="hall", namespace="/circles")
    await ann.next("agent_message")
    reasons = [entry[b"reason"].decode() for _id, entry in await redis.xrange("hearth:rejected")]
    for reason, character in zip(reasons, ("U+000A", "U+0065", "U+200B", "255"), strict=True):
        assert character in reason
        assert reason.isprintable()
