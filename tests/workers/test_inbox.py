"""The inbox: what clients publish is in the stream `hearth:inbox` for workers to consume."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from app.broker.keys import INBOX_SIZE
from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.ready import until_ready
from tests.support.redis import RedisServer
from tests.support.tokens import AGENT, ALICE

HELLO = {"channel": "hall", "data": {"content": "Hello"}}


async def inbox(redis: Any, stream: str = "hearth:inbox") -> list[dict[str, str]]:
    """Return what is in the inbox."""
    return [
        {key.decode(): value.decode() for key, value in fields.items()}
        for _id, fields in await redis.xrange(stream)
    ]


async def test_an_entry_says_where_it_was_published_and_what(connect: Connect, redis: Any) -> None:
    alice = await connect()
    await alice.join("hall")
    for number in (1, 2):
        ack = await alice.request("user_message", HELLO | {"action": "said", "nonce": f"n{number}"})
    await alice.next("user_message", 2)
    entry = (await inbox(redis))[1]
    # What members got, offset and all.
    assert json.loads(entry.pop("envelope")) == alice.all("user_message")[1]
    assert entry == {
        "namespace": "/circles",
        "channel": "hall",
        "type": "user_message",
        "epoch": ack["epoch"],
    }
    assert alice.all("user_message")[1]["offset"] == ack["offset"] == 2


async def test_who_types_and_what_is_streamed_is_not_in_it(connect: Connect, redis: Any) -> None:
    circle, chat = await connect(), await connect("/chat", AGENT)
    answer = await circle.request("typing", {"channel": "hall", "data": {"typing": True}})
    assert answer["ok"]
    streamed: dict[str, Any] = {
        "chat_status": {"status": "started"},
        "chat_token": {"message_id": 1, "index": 0, "delta": "Hi"},
        "tool_call": {"call_id": 1, "tool": "ls"},
        "tool_output": {"call_id": 1, "output": None},
        "chat_message": {"content": "Hi"},
    }
    for name, data in streamed.items():
        assert (await chat.request(name, {"channel": "w/a/1", "data": data}))["ok"]
    agents = await connect("/agents", AGENT)
    call = {"channel": "agent-7", "data": streamed["tool_call"]}
    assert (await agents.request("tool_call", call))["ok"]
    assert [entry["namespace"] for entry in await inbox(redis)] == ["/agents"]


async def test_every_namespace_and_kind_of_client_is_in_it(
    connect: Connect, redis: Any, server: TestServer
) -> None:
    chat = await connect("/chat")
    await chat.request("chat_cancel", {"channel": "w/a/1", "data": {}})
    circle = await connect()
    await circle.request("user_message", HELLO)
    entries = await inbox(redis)
    assert [(entry["namespace"], entry["channel"]) for entry in entries] == [
        ("/chat", "w/a/1"),
        ("/circles", "hall"),
    ]
    senders = [json.loads(entry["envelope"])["sender"] for entry in entries]
    assert senders == [{"id": "alice", "kind": "user"}] * 2


async def test_neither_repeats_nor_workers_nor_what_was_refused_are_in_it(
    connect: Connect, redis: Any, worker: Any
) -> None:
    alice = await connect()
    await alice.join("hall")
    for _repeated in range(2):
        ack = await alice.request("user_message", HELLO | {"nonce": "n1"})
    assert ack["duplicate"]
    assert not (await alice.request("user_message", {"channel": "hall", "data": {}}))["ok"]
    payload = {"agent_id": 7, "content": "Hi", "circle_name": "hall"}
    await worker.emit("agent_message", payload, room="hall", namespace="/circles")
    await redis.publish("agent.message", json.dumps(payload))
    await alice.next("agent_message", 2)
    assert [entry["type"] for entry in await inbox(redis)] == ["user_message"]


async def test_the_prefix_is_the_streams_too(
    serve: Serve, connect: Connect, redis: Any, redis_server: RedisServer
) -> None:
    server = await serve(redis_url=redis_server.url, hearth_prefix="another")
    await until_ready(server)
    alice = await connect(url=str(server.make_url("")), token=ALICE)
    await alice.request("user_message", HELLO)
    assert len(await inbox(redis, "another:inbox")) == 1
    assert await redis.exists("hearth:inbox") == 0


@pytest.mark.parametrize("more", [1, 250])
async def test_the_oldest_are_forgotten(connect: Connect, redis: Any, more: int) -> None:
    pipe = redis.pipeline(transaction=False)
    for number in range(INBOX_SIZE - 1 + more):
        pipe.xadd("hearth:inbox", {"number": number})
    await pipe.execute()
    alice = await connect()
    await alice.request("user_message", HELLO)
    length = await redis.xlen("hearth:inbox")
    assert INBOX_SIZE <= length <= INBOX_SIZE + 100  # Redis forgets a hundred at a time
    ((_id, newest),) = await redis.xrevrange("hearth:inbox", count=1)
    assert newest[b"type"] == b"user_message"
