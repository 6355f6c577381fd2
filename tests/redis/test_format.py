"""Versions that read Redis's keys in different ways don't meet there."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from app.redis.format import FORMAT, WrongFormat
from tests.fixtures.clients import Connect
from tests.fixtures.logs import Logs
from tests.fixtures.servers import Serve
from tests.support.process import clean_environment
from tests.support.ready import until, until_ready, until_status
from tests.support.redis import RedisServer

KEY = "hearth:format"
LOST = "Redis can't be reached; trying again until it can"


@pytest.fixture
async def server(serve: Serve, redis_server: RedisServer) -> TestServer:
    server = await serve(redis_url=redis_server.url)
    await until_ready(server)
    return server


@pytest.mark.processes
async def test_a_process_that_cannot_read_what_is_there_does_not_start(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    redis_server.ask("SET", KEY, FORMAT + 1)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app"),
        cwd=tmp_path,
        env=clean_environment(REDIS_URL=redis_server.url, PORT="0"),
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        _, stderr = await process.communicate()
    assert process.returncode == 1
    last = stderr.decode().strip().splitlines()[-1]
    assert last.startswith("Hearth can't start: ")
    for named in (KEY, f"format {FORMAT + 1}", f"speaks {FORMAT}", "HEARTH_PREFIX"):
        assert named in last
    assert "Traceback" not in stderr.decode()
    assert redis_server.ask("GET", KEY) == str(FORMAT + 1)
    assert redis_server.ask("KEYS", "*") == [KEY]


async def test_under_another_prefix_it_starts(serve: Serve, redis_server: RedisServer) -> None:
    redis_server.ask("SET", KEY, FORMAT + 1)
    with pytest.raises(WrongFormat):
        await serve(redis_url=redis_server.url)
    await until_ready(await serve(redis_url=redis_server.url, hearth_prefix="another"))


async def test_the_number_is_written_and_again_after_a_flush(
    server: TestServer, redis_server: RedisServer
) -> None:
    for _time in range(2):
        await until(lambda: redis_server.ask("GET", KEY) == str(FORMAT))
        redis_server.ask("FLUSHALL")


async def test_a_redis_that_is_another_versions_by_now_is_as_one_that_is_away(
    server: TestServer, redis_server: RedisServer, logs: Logs
) -> None:
    redis_server.ask("SET", KEY, FORMAT + 1)
    redis_server.ask("CLIENT", "KILL", "TYPE", "normal")
    await until_status(str(server.make_url("")), 503)
    await until(lambda: any("speaks" in str(line.get("reason")) for line in logs.lines))
    assert LOST in logs.events()
    redis_server.ask("DEL", KEY)
    await until_ready(server)


async def test_an_unreachable_redis_stops_no_start(serve: Serve, late_redis: RedisServer) -> None:
    server = await serve(redis_url=late_redis.url)
    late_redis.start()
    late_redis.ask("SET", KEY, FORMAT + 1)
    late_redis.ask("CLIENT", "KILL", "TYPE", "normal")
    await until_status(str(server.make_url("")), 503)
    late_redis.ask("SET", KEY, FORMAT)
    await until_ready(server)


async def test_a_frozen_and_a_read_only_redis_stop_no_start(
    serve: Serve, redis_server: RedisServer
) -> None:
    redis_server.ask("REPLICAOF", "127.0.0.1", "1")
    server = await serve(redis_url=redis_server.url)
    redis_server.freeze()
    other = await serve(redis_url=redis_server.url)
    redis_server.thaw()
    redis_server.ask("REPLICAOF", "NO", "ONE")
    for one in (server, other):
        await until_ready(one)
    await until(lambda: redis_server.ask("GET", KEY) == str(FORMAT))


@pytest.mark.parametrize("command", [("SET", "garbage"), ("RPUSH", "1")])
async def test_what_is_no_number_stops_nobody(
    serve: Serve, connect: Connect, redis_server: RedisServer, command: tuple[str, str]
) -> None:
    name, value = command
    redis_server.ask(name, "other:format", value)
    server = await serve(redis_url=redis_server.url, hearth_prefix="other")
    await until_ready(server)
    alice = await connect(url=str(server.make_url("")))
    await alice.join()
