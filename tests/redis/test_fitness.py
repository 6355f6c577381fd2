"""Properties of a Redis that break promises are told at start."""

from __future__ import annotations

from functools import partial

import pytest
from structlog.testing import capture_logs

from app.redis.commands import Commands
from app.redis.connector import Link
from app.redis.fitness import problems
from tests.fixtures.processes import Run
from tests.fixtures.redis import StartBackend
from tests.support.ready import until
from tests.support.redis import RedisServer

WARNING = "Redis is not set up as it should be"


def is_another(commands: Commands, former: Link | None) -> bool:
    """Return whether a connection is open that isn't the former one."""
    return commands.link not in (None, former)


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_a_policy_that_evicts(run: Run, redis_server: RedisServer, policy: str) -> None:
    redis_server.ask("CONFIG", "SET", "maxmemory-policy", policy)
    process = await run(REDIS_URL=redis_server.url)
    line = await process.logged(WARNING)
    assert line["level"] == "warning"
    assert policy in line["reason"]
    assert "noeviction" in line["reason"]


async def test_it_is_told_once(start_backend: StartBackend, redis_server: RedisServer) -> None:
    redis_server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    with capture_logs() as logs:
        running = await start_backend()
        for _time in range(2):
            link = running.commands.link
            redis_server.ask("CLIENT", "KILL", "TYPE", "normal")
            await until(partial(is_another, running.commands, link))
            await running.commands.send("PING")
    assert len([line for line in logs if line["event"] == WARNING]) == 1


async def test_a_redis_that_keeps_everything_is_not_told_of(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    with capture_logs() as logs:
        running = await start_backend()
        await running.commands.send("PING")
    assert [line["event"] for line in logs if line["log_level"] != "info"] == []


async def test_without_the_right_to_look_it_works_all_the_same(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    redis_server.ask("ACL", "SETUSER", "hearth", "on", ">secret", "~*", "&*", "+@all", "-info")
    running = await start_backend(redis_server.url.replace("://", "://hearth:secret@"))
    assert running.ready


@pytest.mark.parametrize(
    ("info", "named"),
    [
        (b"redis_version:6.0.16\r\n", "6.0.16"),
        (b"redis_version:5\r\n", "5"),
        (b"# Cluster\r\ncluster_enabled:1\r\n", "cluster"),
        (b"maxmemory_policy:allkeys-random\r\n", "allkeys-random"),
    ],
)
def test_what_is_wrong(info: bytes, named: str) -> None:
    (problem,) = problems(info)
    assert named in problem


@pytest.mark.parametrize(
    "info",
    [
        b"",
        b"redis_version:6.2.0\r\nmaxmemory_policy:noeviction\r\ncluster_enabled:0\r\n",
        b"redis_version:255.255.255\r\n",
        b"redis_version:unstable\r\n\xff:\xff\r\nno colon",
    ],
)
def test_what_is_right_or_not_known(info: bytes) -> None:
    assert list(problems(info)) == []
