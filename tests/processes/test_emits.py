"""Emits of workers while server processes die, stand still and start (contract §4, promise 6)."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio
import socketio

from tests.fixtures.clients import Connect
from tests.fixtures.processes import Run
from tests.support.client import Client
from tests.support.process import HearthProcess
from tests.support.ready import until, until_status
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE

TAKES_IN = "this process ingests what workers emit"


class Worker:
    """A stock manager that emits numbered messages until it is told to stop."""

    def __init__(self, url: str) -> None:
        self.manager = socketio.AsyncRedisManager(url, write_only=True)
        self.emitted = 0
        self._stop = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to emit."""
        self._stop = False
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End what `start` began."""
        self._stop = True
        if self._task is not None:
            await self._task

    async def emit(self, count: int) -> None:
        """Emit so many."""
        for _ in range(count):
            # Every other one has the same bytes as all others of its kind.
            content = str(self.emitted) if self.emitted % 2 else "same"
            await self.manager.emit(
                "agent_message",
                {"agent_id": 1, "content": content},
                room="dev-team",
                namespace="/circles",
            )
            self.emitted += 1

    async def close(self) -> None:
        """Let go of the connection."""
        await self.stop()
        if self.manager.pubsub is not None:
            await self.manager.pubsub.aclose()
            await self.manager.redis.aclose()

    async def _run(self) -> None:
        while not self._stop:
            await self.emit(5)
            await asyncio.sleep(0.005)


@pytest.fixture
async def worker(redis_server: RedisServer) -> AsyncIterator[Worker]:
    """A worker that is told when to emit."""
    worker = Worker(redis_server.url)
    await worker.emit(0)
    yield worker
    await worker.close()


@pytest.fixture
async def admin(redis_server: RedisServer) -> AsyncIterator[Any]:
    """Somebody who may look into Redis."""
    async with redis.asyncio.Redis.from_url(redis_server.url) as client:
        yield client


async def start(run: Run, redis_server: RedisServer, count: int) -> list[HearthProcess]:
    """Start processes; the first one takes in."""
    processes: list[HearthProcess] = []
    for _ in range(count):
        process = await run(REDIS_URL=redis_server.url, HISTORY_SIZE="10000")
        await until_status(process.url)
        if not processes:
            await process.logged(TAKES_IN)
        processes.append(process)
    await asyncio.sleep(0.5)
    return processes


async def join(connect: Connect, processes: list[HearthProcess]) -> list[Client]:
    """Join the circle once in each process."""
    clients = [await connect(url=process.url, token=ALICE) for process in processes]
    for client in clients:
        await client.request("join", {"channel": "dev-team"})
    return clients


async def until_whole(admin: Any, count: int) -> None:
    """Wait until so many processes have heard all that is to be taken in."""
    async with asyncio.timeout(20):
        while await admin.zcard("hearth:emits:whole") != count:  # noqa: ASYNC110 - it is in Redis
            await asyncio.sleep(0.02)


async def see_all(clients: list[Client], worker: Worker) -> None:
    """See that everybody got all that was emitted, once and in order."""
    await worker.stop()
    await worker.emit(1)
    wanted = [str(number) if number % 2 else "same" for number in range(worker.emitted)]
    for client in clients:
        await until(lambda: len(client.all("agent_message")) >= len(wanted), 30)  # noqa: B023
        await client.settle()
        messages = client.all("agent_message")
        assert [message["data"]["content"] for message in messages] == wanted
        kept = [message["offset"] for message in messages]
        assert kept == sorted(set(kept))


async def test_the_holder_is_killed(
    run: Run, connect: Connect, redis_server: RedisServer, worker: Worker, admin: Any
) -> None:
    processes = await start(run, redis_server, 3)
    clients = await join(connect, processes[1:])
    await until_whole(admin, 3)
    worker.start()
    await clients[0].next("agent_message", 50)
    await processes[0].stop(signal.SIGKILL)
    await clients[0].next("agent_message", worker.emitted + 50)
    await see_all(clients, worker)


async def test_the_holder_is_killed_and_started_anew_at_once(
    run: Run, connect: Connect, redis_server: RedisServer, worker: Worker, admin: Any
) -> None:
    processes = await start(run, redis_server, 2)
    clients = await join(connect, processes[1:])
    await until_whole(admin, 2)
    worker.start()
    await clients[0].next("agent_message", 50)
    await processes[0].stop(signal.SIGKILL)
    young = await run(REDIS_URL=redis_server.url)
    await until_status(young.url)
    await clients[0].next("agent_message", worker.emitted + 50)
    await see_all(clients, worker)
    await until_whole(admin, 2)


async def test_the_holder_ends(
    run: Run, connect: Connect, redis_server: RedisServer, worker: Worker, admin: Any
) -> None:
    processes = await start(run, redis_server, 2)
    clients = await join(connect, processes[1:])
    await until_whole(admin, 2)
    worker.start()
    await clients[0].next("agent_message", 50)
    assert await processes[0].stop() == 0
    await clients[0].next("agent_message", worker.emitted + 50)
    await see_all(clients, worker)


async def test_the_holder_stands_still_for_longer_than_its_lease(
    run: Run, connect: Connect, redis_server: RedisServer, worker: Worker, admin: Any
) -> None:
    processes = await start(run, redis_server, 2)
    clients = await join(connect, processes[1:])
    await until_whole(admin, 2)
    worker.start()
    await clients[0].next("agent_message", 50)
    processes[0].process.send_signal(signal.SIGSTOP)
    await processes[1].logged(TAKES_IN)
    await clients[0].next("agent_message", worker.emitted + 50)
    processes[0].process.send_signal(signal.SIGCONT)
    await clients[0].next("agent_message", worker.emitted + 200)
    await until_whole(admin, 2)
    await see_all(clients, worker)


@pytest.mark.parametrize("kind", ["normal", "pubsub"])
async def test_connections_are_cut(
    run: Run, connect: Connect, redis_server: RedisServer, worker: Worker, admin: Any, kind: str
) -> None:
    processes = await start(run, redis_server, 2)
    clients = await join(connect, processes)
    await until_whole(admin, 2)
    worker.start()
    await clients[0].next("agent_message", 50)
    for _ in range(3):
        cut = [one for one in await admin.client_list() if int(one["sub"]) > 0]
        if kind == "pubsub":
            cut = cut[:1]  # of one process only: what nobody hears is lost
            await until_whole(admin, 2)
        else:
            subscribed = {one["id"] for one in cut}
            servers = [one for one in await admin.client_list() if one["cmd"].startswith("eval")]
            cut = [one for one in servers if one["id"] not in subscribed]
        for one in cut:
            await admin.client_kill_filter(_id=one["id"])
        await clients[0].next("agent_message", len(clients[0].all("agent_message")) + 100)
    await see_all(clients, worker)


async def test_processes_start_amid_the_stream(
    run: Run, connect: Connect, redis_server: RedisServer, worker: Worker, admin: Any
) -> None:
    (first,) = await start(run, redis_server, 1)
    clients = await join(connect, [first])
    worker.start()
    await clients[0].next("agent_message", 50)
    await asyncio.gather(*(run(REDIS_URL=redis_server.url) for _ in range(2)))
    await until_whole(admin, 3)
    await see_all(clients, worker)


async def test_more_than_one_worker(
    run: Run, connect: Connect, redis_server: RedisServer, worker: Worker, admin: Any
) -> None:
    processes = await start(run, redis_server, 2)
    clients = await join(connect, processes)
    others = [socketio.AsyncRedisManager(redis_server.url, write_only=True) for _ in range(3)]

    async def emit(number: int, manager: Any) -> None:
        for count in range(100):
            payload = {"agent_id": number, "content": str(count)}
            await manager.emit("agent_message", payload, room="dev-team", namespace="/circles")

    await asyncio.gather(*(emit(number, other) for number, other in enumerate(others)))
    for client in clients:
        await client.next("agent_message", 300)
        await client.settle()
        for number in range(3):
            data = [message["data"] for message in client.all("agent_message")]
            ours = [one["content"] for one in data if one["agent_id"] == number]
            assert ours == [str(count) for count in range(100)]
    for other in others:
        await other.pubsub.aclose()
        await other.redis.aclose()
