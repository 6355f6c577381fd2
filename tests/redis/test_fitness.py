"""Properties of a Redis that break promises are told at start."""

from __future__ import annotations

from functools import partial

import pytest
from structlog.testing import capture_logs

from app.redis.commands import Commands
from app.redis.connector import Link
from app.redis.fitness import Fitness, limits_problem, problems
from tests.fixtures.processes import Run
from tests.fixtures.redis import StartBackend
from tests.support.metrics import scrape
from tests.support.ready import until, until_status
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


async def test_a_limit_for_subscribers_below_what_messages_need(
    run: Run, redis_server: RedisServer
) -> None:
    process = await run(REDIS_URL=redis_server.url, MAX_MESSAGE_BYTES="8000000")
    line = await process.logged(WARNING)
    assert "client-output-buffer-limit pubsub is 33554432 8388608" in line["reason"]
    assert "set 72388608 36194304 60" in line["reason"]


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        ("normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", True),
        ("normal 0 0 0 slave 0 0 0 pubsub 0 0 0", True),
        ("normal 0 0 0 slave 0 0 0 pubsub 1048576 0 0", False),
        ("normal 0 0 0 slave 0 0 0 pubsub 0 1000 60", False),
        ("pubsub", True),
        ("pubsub many few 60", True),
        ("", True),
    ],
)
def test_limits_for_subscribers(words: str, *, fits: bool) -> None:
    reply = [b"client-output-buffer-limit", words.encode()]
    assert (limits_problem(reply, 1_000_000) is None) is fits


@pytest.mark.parametrize("reply", [None, [], b"", [b"x", None], 1])
def test_limits_that_are_not_known(reply: object) -> None:
    assert limits_problem(reply, 1_000_000) is None


async def test_without_the_right_to_ask_for_limits_nothing_is_told(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    redis_server.ask("ACL", "SETUSER", "hearth", "on", ">secret", "~*", "&*", "+@all", "-config")
    with capture_logs() as logs:
        running = await start_backend(redis_server.url.replace("://", "://hearth:secret@"))
        await running.commands.send("PING")
    assert [line["event"] for line in logs if line["log_level"] != "info"] == []


def test_it_is_told_that_subscribers_were_cut() -> None:
    """Redis counts them since 7.4."""
    fitness = Fitness("host", 1_000_000)
    with capture_logs() as logs:
        for cuts in ("0", "0", "3", "3", "1"):  # it has restarted in the end
            fitness.on_info(b"client_output_buffer_limit_disconnections:" + cuts.encode())
    assert [(line["cut"], line["admitted_by"]) for line in logs] == [
        (3, "client-output-buffer-limit pubsub")
    ]


async def test_an_emit_over_the_limit_that_cut_all_subscribers_is_heard_of(
    run: Run, redis_server: RedisServer
) -> None:
    process = await run(REDIS_URL=redis_server.url)
    await until_status(process.url)
    redis_server.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 300000 0 0")
    await until(lambda: redis_server.ask("ZCARD", "hearth:emits:whole") == 1)
    redis_server.ask("PUBLISH", "socketio", "x" * 1_000_000)
    await process.logged("no process received what workers emitted meanwhile")
    metrics = await scrape(process.url)
    assert metrics["hearth_emit_gaps_total", ()] >= 1
    assert metrics["hearth_redis_lost_total", ("subscriptions",)] >= 1


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
