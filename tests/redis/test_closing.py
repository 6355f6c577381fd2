"""A process that is told to stop is gone within seconds, whatever Redis does."""

from __future__ import annotations

import asyncio
import gc
import signal

import pytest

from tests.fixtures.clients import Connect
from tests.fixtures.processes import RunReady
from tests.fixtures.redis import StartBackend
from tests.support.backends import RunningBackend
from tests.support.messages import TEAM, somebody
from tests.support.process import HearthProcess
from tests.support.proxy import Proxy
from tests.support.ready import until, until_status
from tests.support.redis import RedisServer

SOON_SECONDS = 20.0  # a few, and what this machine is slow; a PaaS kills after 30


def own_tasks() -> set[asyncio.Task[object]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


@pytest.mark.parametrize("state", ["well", "gone", "frozen", "never there", "half open"])
async def test_closing_ends_and_leaves_nothing_behind(
    redis_server: RedisServer, proxy: Proxy, state: str
) -> None:
    if state == "never there":
        redis_server.stop()
    running = RunningBackend(proxy.url if state == "half open" else redis_server.url)
    await running.start(wait=state != "never there")
    if state != "never there":
        await running.broker.subscribe(TEAM)
        await running.presence.enter(TEAM, "a1", somebody("alice"))
    match state:
        case "gone":
            redis_server.stop()
        case "frozen":
            redis_server.freeze()
        case "half open":
            proxy.stall()
    async with asyncio.timeout(SOON_SECONDS):
        await running.close()
    redis_server.thaw() if state == "frozen" else None
    await proxy.close()
    await until(lambda: not own_tasks())
    gc.collect()  # what was not closed would warn


async def test_closing_at_once(redis_server: RedisServer) -> None:
    for pause in (0, 0.001, 0.003, 0.01):
        running = RunningBackend(redis_server.url)
        await running.start(wait=False)
        await asyncio.sleep(pause)
        await running.close()
    assert not own_tasks()
    gc.collect()


@pytest.mark.parametrize("state", ["gone", "frozen"])
async def test_a_process_stops_without_redis(
    run_ready: RunReady, connect: Connect, redis_server: RedisServer, state: str
) -> None:
    [process] = await run_ready(1)
    client = await connect(url=process.url)
    await client.join()
    redis_server.stop() if state == "gone" else redis_server.freeze()
    async with asyncio.timeout(SOON_SECONDS):
        assert await process.stop(signal.SIGTERM) == 0
    said = [line["event"] for line in process.log]
    assert said[-1] == "stopped"
    assert not [line for line in process.log if line.get("raw")], process.log


async def test_what_is_half_open_shows_in_readyz(run_ready: RunReady, proxy: Proxy) -> None:
    [process] = await run_ready(1, REDIS_URL=proxy.url)
    proxy.stall()
    await until_status(process.url, 503)
    line = await process.logged("nothing comes back from Redis")
    assert line["since"].endswith("Z")
    await until_status(process.url, 200)


async def test_who_is_frozen_and_thawed_serves_on(
    processes: list[HearthProcess],
    start_backend: StartBackend,
    connect: Connect,
    redis_server: RedisServer,
) -> None:
    process, other = processes
    redis_server.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 100kb 100kb 1")
    alice, bob = await connect(url=process.url), await connect(url=other.url)
    for client in (alice, bob):
        await client.join()
    process.process.send_signal(signal.SIGSTOP)
    for number in range(100):
        data = {"content": f"{number} " + "x" * 50_000}
        await bob.request("user_message", {"channel": "dev-team", "data": data})
    process.process.send_signal(signal.SIGCONT)
    await alice.next("user_message", 100)
    offsets = [message["offset"] for message in alice.all("user_message")]
    assert offsets == list(range(1, 101))
