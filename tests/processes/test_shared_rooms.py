"""Several processes that share rooms through Redis, and what happens without it."""

from __future__ import annotations

from typing import Any

from tests.fixtures.clients import Connect
from tests.fixtures.processes import Run, RunReady
from tests.support.process import HearthProcess
from tests.support.ready import until_status
from tests.support.redis import RedisServer
from tests.support.tokens import AGENT, ALICE, BOB


async def test_members_of_two_processes_talk(
    processes: list[HearthProcess], connect: Connect
) -> None:
    one, two = processes
    alice = await connect(url=one.url, token=ALICE)
    agent = await connect(url=two.url, token=AGENT)
    for client in (alice, agent):
        await client.join()
    sent = await alice.request(
        "user_message", {"channel": "dev-team", "data": {"content": "Hi"}, "nonce": "n1"}
    )
    message = await agent.next("user_message")
    assert (message["data"], message["sender"]) == (
        {"content": "Hi"},
        {"id": "alice", "kind": "user"},
    )
    assert message["timestamp"] == sent["timestamp"]
    # A retry is known to the other process too.
    again = await connect(url=two.url, token=ALICE)
    repeat = await again.request(
        "user_message", {"channel": "dev-team", "data": {"content": "Hi"}, "nonce": "n1"}
    )
    assert (repeat["duplicate"], repeat["offset"]) == (True, message["offset"])
    await agent.request("agent_message", {"channel": "dev-team", "data": {"content": "Yes"}})
    assert (await alice.next("agent_message"))["data"]["content"] == "Yes"
    assert len(alice.all("user_message")) == len(agent.all("user_message")) == 1


async def test_messages_of_one_sender_keep_their_order(
    processes: list[HearthProcess], connect: Connect
) -> None:
    one, two = processes
    alice = await connect(url=one.url, token=ALICE)
    bob = await connect(url=two.url, token=BOB)
    for client in (alice, bob):
        await client.join()
    for number in range(60):
        text = {"channel": "dev-team", "data": {"content": str(number)}}
        await alice.send("user_message", text if number % 20 else text | {"nonce": "again"})
    history = await alice.request("history", {"channel": "dev-team", "limit": 1})
    expected = [str(number) for number in range(60) if number % 20 or number == 0]
    assert history["messages"][0]["data"]["content"] == expected[-1]
    await bob.next("user_message", len(expected))
    assert [message["data"]["content"] for message in bob.all("user_message")] == expected


async def test_a_worker_reaches_members_of_every_process_once(
    processes: list[HearthProcess], connect: Connect, worker: Any
) -> None:
    clients = [await connect(url=process.url, token=BOB) for process in processes]
    for client in clients:
        await client.join()
    for number in range(20):
        payload: dict[str, Any] = {"agent_id": 1, "content": str(number)}
        await worker.emit("agent_message", payload, room="dev-team", namespace="/circles")
    for client in clients:
        await client.next("agent_message", 20)
        await client.settle()
        contents = [message["data"]["content"] for message in client.all("agent_message")]
        offsets = [message["offset"] for message in client.all("agent_message")]
        assert contents == [str(number) for number in range(20)]
        assert offsets == list(range(offsets[0], offsets[0] + 20))


async def test_a_redis_that_comes_late_is_waited_for(
    run: Run, connect: Connect, late_redis: RedisServer
) -> None:
    process = await run(REDIS_URL=late_redis.url.replace("://", "://:hunter2@"))
    line = await process.logged("Redis can't be reached; trying again until it can")
    assert str(late_redis.port) in line["redis"]
    await until_status(process.url, 503)
    alice = await connect(url=process.url)
    failed = await alice.request("join", {"channel": "dev-team"})
    assert failed["error"]["code"] == "unavailable"
    message = {"channel": "dev-team", "data": {"content": "Hi"}}
    failed = await alice.request("user_message", message)
    assert failed["error"]["code"] == "unavailable"
    late_redis.start("--requirepass", "hunter2")
    await until_status(process.url, 200)
    await alice.join()
    assert (await alice.request("user_message", message))["offset"] == 1
    assert (await alice.next("user_message"))["offset"] == 1
    assert not [line for line in process.log if "hunter2" in str(line)]
    assert len([line for line in process.log if line.get("level") == "error"]) == 1


async def test_a_redis_that_goes_and_comes_back(
    run_ready: RunReady, connect: Connect, redis_server: RedisServer
) -> None:
    [process] = await run_ready(1)
    alice = await connect(url=process.url)
    await alice.join()
    message = {"channel": "dev-team", "data": {"content": "Hi"}, "nonce": "n1"}
    redis_server.stop()
    await until_status(process.url, 503)
    failed = await alice.request("user_message", message)
    assert failed["error"]["code"] == "unavailable"
    redis_server.start()
    await until_status(process.url, 200)
    published = await alice.request("user_message", message)
    assert published["ok"]
    assert "duplicate" not in published  # nothing had been published by the attempt that failed
    await alice.next("user_message")
    assert len(alice.all("user_message")) == 1


async def test_a_frozen_redis_is_answered_for(
    run_ready: RunReady, connect: Connect, redis_server: RedisServer
) -> None:
    [process] = await run_ready(1)
    alice = await connect(url=process.url)
    redis_server.freeze()
    message = {"channel": "dev-team", "data": {"content": "Hi"}}
    failed = await alice.request("user_message", message)
    assert failed["error"]["code"] == "unavailable"
    redis_server.thaw()
    await until_status(process.url)
    published = await alice.request("user_message", message)
    assert published["ok"]
