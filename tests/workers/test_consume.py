"""`examples/worker_consume.py`: workers that share what clients publish, as real processes."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.fixtures.clients import Connect
from tests.fixtures.processes import Launch, RunReady
from tests.support.client import Client
from tests.support.process import ROOT, UNLIMITED, HearthProcess, until_line
from tests.support.redis import RedisServer
from tests.support.tokens import BOB

StartWorker = Callable[..., Awaitable[Process]]

GROUP = ("hearth:inbox", "answerers")


@pytest.fixture
def start_worker(launch: Launch, redis_server: RedisServer) -> StartWorker:
    """Return a function that runs the example, each answer being so many seconds of work."""

    async def start(work_seconds: float) -> Process:
        settings = {"REDIS_URL": redis_server.url, "WORK_SECONDS": str(work_seconds)}
        worker = await launch(sys.executable, ROOT / "examples/worker_consume.py", **settings)
        await until_line(worker, "answerer-")
        return worker

    return start


@pytest.fixture
async def hearth(run_ready: RunReady) -> HearthProcess:
    """A server in a process of its own."""
    [process] = await run_ready(1, **UNLIMITED)
    return process


@pytest.fixture
async def bob(hearth: HearthProcess, connect: Connect) -> Client:
    """Somebody who talks to the workers."""
    bob = await connect(url=hearth.url, token=BOB)
    await bob.join("hall")
    return bob


async def until_pending(redis: Any, client: Client, number: int) -> None:
    """Wait until so many messages are with workers."""
    async with asyncio.timeout(30):
        while (await redis.xpending(*GROUP))["pending"] != number:
            await client.settle()


def answers(client: Client) -> list[str]:
    return [message["data"]["content"] for message in client.all("agent_message")]


async def test_two_share_the_work(start_worker: StartWorker, bob: Client, redis: Any) -> None:
    workers = [await start_worker(0.05) for _ in range(2)]
    both = asyncio.gather(*(until_line(worker, "answerer-") for worker in workers))
    said = 0
    while not both.done():  # each of them has answered something
        await bob.say(said, channel="hall")
        said += 1
    await both
    await bob.next("agent_message", said)
    await until_pending(redis, bob, 0)
    assert sorted(answers(bob)) == sorted(f"You said: {number}" for number in range(said))


async def test_what_a_killed_one_had_begun_is_done_by_another(
    start_worker: StartWorker, bob: Client, redis: Any
) -> None:
    killed = await start_worker(600)
    await bob.say("first", channel="hall")
    assert (await until_line(killed, "answerer-")).endswith("answers first")
    killed.kill()
    await killed.wait()
    assert (await redis.xpending(*GROUP))["pending"] == 1
    other = await start_worker(0)
    await bob.say("second", "third", channel="hall")
    begun = [await until_line(other, "answerer-") for _ in range(3)]
    assert sorted(line.split()[-1] for line in begun) == ["first", "second", "third"]
    await bob.next("agent_message", 3)
    assert sorted(answers(bob)) == ["You said: first", "You said: second", "You said: third"]
    await until_pending(redis, bob, 0)


async def test_what_comes_to_a_worker_twice_is_answered_once(
    start_worker: StartWorker, bob: Client, redis: Any
) -> None:
    worker = await start_worker(0)
    await bob.say("first", channel="hall")
    await bob.next("agent_message")
    await redis.xgroup_setid(*GROUP, "0")  # as if its worker had died before it could ack
    await until_line(worker, "answerer-")
    await until_line(worker, "answerer-")
    await bob.say("second", channel="hall")
    await bob.next("agent_message", 2)
    assert answers(bob) == ["You said: first", "You said: second"]


async def test_what_is_nobody_elses_to_answer_is_left_alone(
    start_worker: StartWorker, hearth: HearthProcess, bob: Client, connect: Connect, redis: Any
) -> None:
    await start_worker(0)
    await bob.request("typing", {"channel": "hall", "data": {"typing": True}})
    chat = await connect("/chat", url=hearth.url, token=BOB)
    await chat.request("user_message", {"channel": "w/a/1", "data": {"content": "Hi"}})
    await bob.say("first", channel="hall")
    await bob.next("agent_message")
    assert answers(bob) == ["You said: first"]
    assert await redis.xlen("hearth:inbox") == 2  # the answer is a worker's, and not in it
