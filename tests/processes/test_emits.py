"""Emits of workers while server processes die, freeze and start (promise 6)."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.fixtures.clients import Connect
from tests.fixtures.processes import RunReady
from tests.support.client import Client
from tests.support.process import HearthProcess
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE
from tests.support.workers import stock_manager

TAKES_IN = "this process ingests what workers emit"


class Stream:
    """Numbered messages that a worker emits until it is told to stop."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
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
            await self._worker.emit(
                "agent_message",
                {"agent_id": 1, "content": content},
                room="dev-team",
                namespace="/circles",
            )
            self.emitted += 1

    async def _run(self) -> None:
        while not self._stop:
            await self.emit(5)
            await asyncio.sleep(0.005)


@dataclass
class Stage:
    """Processes, the first of which leads and ingests what the stream emits, and members."""

    processes: list[HearthProcess]
    clients: list[Client]
    stream: Stream
    redis: Any

    async def goes_on(self, further: int = 50) -> None:
        """Wait until so many more have arrived than have been emitted by now."""
        await self.clients[0].next("agent_message", self.stream.emitted + further)

    async def until_caught_up(self, count: int) -> None:
        """Wait until so many processes have said twice from now on that they are caught up.

        What one says first may have been true before it noticed that its connection was cut.
        """
        async with asyncio.timeout(30):
            for _time in range(2):
                seconds, microseconds = await self.redis.time()
                now = seconds * 1000 + microseconds // 1000 + 1
                whole = "hearth:emits:whole"
                while await self.redis.zcount(whole, now, "+inf") != count:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)

    async def see_all(self) -> None:
        """See that everybody got all that was emitted, once and in order."""
        await self.stream.stop()
        await self.stream.emit(1)
        wanted = [str(number) if number % 2 else "same" for number in range(self.stream.emitted)]
        for client in self.clients:
            await client.next("agent_message", len(wanted))
            await client.settle()
            messages = client.all("agent_message")
            assert [message["data"]["content"] for message in messages] == wanted
            kept = [message["offset"] for message in messages]
            assert kept == sorted(set(kept))


Begin = Callable[..., AbstractAsyncContextManager[Stage]]


@pytest.fixture
def begin(run_ready: RunReady, connect: Connect, worker: Any, redis: Any) -> Begin:
    """Return a function that begins to stream, and sees in the end that everybody got all.

    Its arguments: how many processes there are; how many of them, from the last, have a member.
    """

    @asynccontextmanager
    async def streaming(count: int, members: int) -> AsyncIterator[Stage]:
        processes = await run_ready(1, HISTORY_SIZE="10000")
        await processes[0].logged(TAKES_IN)
        processes += await run_ready(count - 1, HISTORY_SIZE="10000")
        stream = Stream(worker)
        stage = Stage(processes, await join(connect, processes[-members:]), stream, redis)
        await stage.until_caught_up(count)
        stream.start()
        try:
            await stage.goes_on()
            yield stage
            await stage.see_all()
        finally:
            await stream.stop()

    return streaming


async def join(connect: Connect, processes: list[HearthProcess]) -> list[Client]:
    """Join the circle once in each process."""
    clients = [await connect(url=process.url, token=ALICE) for process in processes]
    for client in clients:
        await client.join()
    return clients


async def test_the_holder_is_killed(begin: Begin) -> None:
    async with begin(3, members=2) as stage:
        await stage.processes[0].stop(signal.SIGKILL)
        await stage.goes_on()


async def test_the_holder_is_killed_and_started_anew_at_once(
    begin: Begin, run_ready: RunReady
) -> None:
    async with begin(2, members=1) as stage:
        await stage.processes[0].stop(signal.SIGKILL)
        await run_ready(1)
        await stage.goes_on()
    await stage.until_caught_up(2)


async def test_the_holder_ends(begin: Begin) -> None:
    async with begin(2, members=1) as stage:
        assert await stage.processes[0].stop() == 0
        await stage.goes_on()


async def test_the_holder_stands_still_for_longer_than_its_lease(begin: Begin) -> None:
    async with begin(2, members=1) as stage:
        holder, other = stage.processes
        holder.process.send_signal(signal.SIGSTOP)
        await other.logged(TAKES_IN)
        await stage.goes_on()
        holder.process.send_signal(signal.SIGCONT)
        await stage.goes_on(200)
        await stage.until_caught_up(2)


@pytest.mark.parametrize("kind", ["normal", "pubsub"])
async def test_connections_are_cut(begin: Begin, redis: Any, kind: str) -> None:
    async with begin(2, members=2) as stage:
        for _ in range(3):
            cut = [one for one in await redis.client_list() if int(one["sub"]) > 0]
            if kind == "pubsub":
                cut = cut[:1]  # of one process only: what nobody receives is lost
                await stage.until_caught_up(2)
            else:
                subscribed = {one["id"] for one in cut}
                clients = await redis.client_list()
                servers = [one for one in clients if one["cmd"].startswith("eval")]
                cut = [one for one in servers if one["id"] not in subscribed]
            for one in cut:
                await redis.client_kill_filter(_id=one["id"])
            await stage.goes_on(100)


async def test_processes_start_amid_the_stream(begin: Begin, run_ready: RunReady) -> None:
    async with begin(1, members=1) as stage:
        await run_ready(2)
        await stage.until_caught_up(3)


async def test_more_than_one_worker(
    processes: list[HearthProcess], connect: Connect, redis_server: RedisServer
) -> None:
    clients = await join(connect, processes)

    async def emit(number: int, worker: Any) -> None:
        for count in range(100):
            payload = {"agent_id": number, "content": str(count)}
            await worker.emit("agent_message", payload, room="dev-team", namespace="/circles")

    async with AsyncExitStack() as stack:
        workers = [
            await stack.enter_async_context(stock_manager(redis_server.url)) for _ in range(3)
        ]
        await asyncio.gather(*(emit(number, worker) for number, worker in enumerate(workers)))
    for client in clients:
        await client.next("agent_message", 300)
        await client.settle()
        for number in range(3):
            data = [message["data"] for message in client.all("agent_message")]
            ours = [one["content"] for one in data if one["agent_id"] == number]
            assert ours == [str(count) for count in range(100)]
