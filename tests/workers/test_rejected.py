"""What no schema accepts of what workers send: counted, and recorded with the reason."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from app.broker.keys import REJECTED_BYTES, REJECTED_SIZE
from tests.fixtures.clients import Connect
from tests.fixtures.logs import Logs
from tests.fixtures.servers import Serve
from tests.support.metrics import scrape
from tests.support.ready import until, until_ready
from tests.support.redis import RedisServer
from tests.workers.rejected import rejected

LIMIT = 2_000
GOOD = {"circle_name": "hall", "agent_id": 7, "content": "Hi"}


@pytest.fixture
async def server(serve: Serve, redis_server: RedisServer) -> TestServer:
    """A server that accepts small messages only."""
    server = await serve(redis_url=redis_server.url, max_message_bytes=LIMIT)
    await until_ready(server)
    return server


def event_of(size: int) -> bytes:
    """Return a message for the event bus of so many bytes."""
    least = len(json.dumps(GOOD | {"content": ""}))
    return json.dumps(GOOD | {"content": "x" * (size - least)}).encode()


async def test_a_message_may_be_as_large_as_a_clients(connect: Connect, redis: Any) -> None:
    client = await connect()
    await client.join("hall")
    await redis.publish("agent.message", event_of(LIMIT + 1))
    await redis.publish("agent.message", event_of(LIMIT))
    assert (await client.next("agent_message"))["offset"] == 1
    (entry,) = await rejected(redis, 1)
    assert entry == {
        "source": b"agent.message",
        "reason": b"message: Has 2,001 bytes; MAX_MESSAGE_BYTES is 2,000.",
        "data": event_of(LIMIT + 1),
    }


async def test_feeds_and_stock_managers_have_the_same_limit(
    connect: Connect, redis: Any, worker: Any
) -> None:
    client, feed = await connect(), await connect("/feeds")
    await client.join("hall")
    await feed.join("codeworm:logs")
    large = {"agent_id": 7, "content": "x" * LIMIT}
    await worker.emit("agent_message", large, room="hall", namespace="/circles")
    small = {"agent_id": 7, "content": "small"}
    await worker.emit("agent_message", small, room="hall", namespace="/circles")
    await redis.publish("codeworm:logs", b"x" * (LIMIT + 1))
    await redis.publish("codeworm:logs", b"x" * LIMIT)
    assert (await client.next("agent_message"))["data"] == small
    assert (await feed.next("log"))["data"] == {"raw": "x" * LIMIT}
    entries = await rejected(redis, 2)
    assert {fields["source"] for fields in entries} == {b"socketio", b"codeworm:logs"}


async def test_no_more_than_the_beginning_is_kept(redis: Any, server: TestServer) -> None:
    await redis.publish("agent.message", event_of(10 * REJECTED_BYTES))
    (entry,) = await rejected(redis, 1)
    assert entry["data"] == event_of(10 * REJECTED_BYTES)[:REJECTED_BYTES]


async def test_large_ones_that_begin_alike_are_told_apart(redis: Any, server: TestServer) -> None:
    for size in (2 * REJECTED_BYTES, 3 * REJECTED_BYTES, 2 * REJECTED_BYTES):
        await redis.publish("agent.message", event_of(size))
    reasons = [fields["reason"].split()[2] for fields in await rejected(redis, 3)]
    assert reasons == [b"32,768", b"49,152", b"32,768"]


async def test_the_newest_are_kept(connect: Connect, redis: Any) -> None:
    client = await connect()
    await client.join("hall")
    pipe = redis.pipeline(transaction=False)
    for number in range(REJECTED_SIZE + 500):
        pipe.publish("agent.message", json.dumps({"number": number}))
    await pipe.execute()
    await redis.publish("agent.message", json.dumps(GOOD))
    await client.next("agent_message")
    while True:
        entries = await rejected(redis, REJECTED_SIZE)
        if json.loads(entries[-1]["data"])["number"] == REJECTED_SIZE + 499:
            break
    assert len(entries) <= REJECTED_SIZE + 100  # Redis forgets a hundred at a time
    numbers = [json.loads(fields["data"])["number"] for fields in entries]
    assert numbers == list(range(numbers[0], REJECTED_SIZE + 500))


async def test_each_is_counted_in_one_process(
    serve: Serve, server: TestServer, connect: Connect, redis: Any, redis_server: RedisServer
) -> None:
    servers = [server, await serve(redis_url=redis_server.url)]
    await until_ready(servers[1])
    for source in ("agent.message", "agent.message", "workspace.git_status"):
        await redis.publish(source, "{}")
    await redis.publish("agent.message", json.dumps(GOOD))
    await rejected(redis, 3)
    samples = [await scrape(one) for one in servers]

    def total(name: str, *labels: str) -> float:
        return sum(sample.get((name, labels), 0) for sample in samples)

    assert total("hearth_rejected_total", "agent.message") == 2
    assert total("hearth_rejected_total", "workspace.git_status") == 1
    assert total("hearth_published_total", "/circles", "agent_message") == 1


async def test_what_is_no_emit_is_kept_once_too(
    serve: Serve, connect: Connect, redis: Any, worker: Any, redis_server: RedisServer
) -> None:
    await until_ready(await serve(redis_url=redis_server.url))
    client = await connect()
    await client.join("hall")
    await redis.publish("socketio", b"{")
    await redis.publish("socketio", b"[]")
    await redis.publish("socketio", b'{"method": "emit", "namespace": ["/circles"]}')
    payload = {"agent_id": 7, "content": "Hi"}
    await worker.emit("agent_message", payload, room="hall")  # without its namespace
    await worker.emit("agent_message", payload, room="hall", namespace="/circles")
    await client.next("agent_message")
    entries = await rejected(redis, 4)
    reasons = [fields["reason"].decode() for fields in entries]
    assert reasons[:2] == ["message: Not a manager's message."] * 2
    for name, reason in (("['/circles']", reasons[2]), ("/", reasons[3])):
        told = f"message: There is no namespace {name} here; a manager's emit takes namespace=. "
        assert reason.startswith(f"{told}There are /agents, /chat, /circles, ")
    assert [fields["data"] for fields in entries][:2] == [b"{", b"[]"]


async def test_the_log_says_where_to_and_as_what_and_nothing_of_the_payload(
    server: TestServer, redis: Any, worker: Any, logs: Logs
) -> None:
    secret = {"agent_id": 7, "words": "a secret"}
    rooms = [*"abcd", "long" * 100]
    await worker.emit("agent_message", secret, room="hall", namespace="/circles")
    await worker.emit("agent_message", secret, room=rooms, namespace="/circles")
    await worker.emit("git_status\n", secret)
    await redis.publish("agent.status", json.dumps({"agent_id": "x" * 100, "words": "a secret"}))
    await redis.publish("agent.status", b"{")
    await rejected(redis, 5)
    told = [line for line in logs.lines if line["event"] == "rejected what a worker emitted"]
    keys = ("source", "namespace", "room", "type")
    assert [tuple(line.get(key) for key in keys) for line in told] == [
        ("socketio", "/circles", "hall", "agent_message"),
        ("socketio", "/circles", "a, b, c, 2 more", "agent_message"),
        ("socketio", "/", None, "git_status\ufffd"),
        ("agent.status", "/agents", "x" * 64 + "…", "agent_status"),
        ("agent.status", None, None, None),
    ]
    assert "secret" not in str(told)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
async def test_a_worker_with_an_old_library_is_told_of_versions(
    server: TestServer, redis: Any, protocol: int, logs: Logs
) -> None:
    emit = {"method": "emit", "event": "agent_message", "data": GOOD, "namespace": "/circles"}
    await redis.publish("socketio", pickle.dumps(emit, protocol))
    (entry,) = await rejected(redis, 1)
    for named in (b"pickle", b"python-socketio 5.14 or newer, or json"):
        assert named in entry["reason"]
    (line,) = [line for line in logs.lines if line["event"] == "rejected what a worker emitted"]
    assert "python-socketio 5.14 or newer" in line["reason"]


async def test_the_prefix_is_the_streams_too(
    serve: Serve, redis: Any, redis_server: RedisServer
) -> None:
    await until_ready(await serve(redis_url=redis_server.url, hearth_prefix="another"))
    await redis.publish("agent.message", "{")
    await rejected(redis, 1, "another:rejected")
    assert await redis.exists("hearth:rejected") == 0


@pytest.mark.parametrize(
    "message",
    [
        {"method": "close_room", "room": [], "namespace": "/circles"},
        {"method": "enter_room", "sid": "a~", "namespace": {"a": 1}, "room": "r"},
        {"method": "disconnect", "sid": ["a~"], "namespace": "/circles"},
        {"method": "emit", "namespace": "/circles", "room": "dev-team", "callback": "*"},
        {"method": "emit", "event": {}, "data": [], "namespace": "/circles", "skip_sid": "a~"},
    ],
)
async def test_what_no_manager_writes_is_no_defect(
    server: TestServer, connect: Connect, redis: Any, message: dict[str, Any], logs: Logs
) -> None:
    client = await connect()
    await client.join("hall")
    await redis.publish("socketio", json.dumps(message))
    await redis.publish("agent.message", event_of(100))
    await client.next("agent_message")
    await until(lambda: "rejected what a worker emitted" in logs.events())
    assert logs.tracebacks() == []
