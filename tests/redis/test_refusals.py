"""A Redis that answers, and refuses: full, read-only, forgetful, or of another mind who we are."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.core.errors import Unavailable
from app.core.sampler import LINES
from app.redis.connector import Link, OnReply
from app.redis.replies import ReplyError
from tests.fixtures.processes import Run
from tests.fixtures.redis import StartBackend
from tests.support.messages import TEAM, message, somebody
from tests.support.process import ROOT
from tests.support.ready import until
from tests.support.redis import RedisServer


async def test_forgotten_scripts_are_sent_again(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    one = await start_backend()
    broker, listener = one.broker, one.listener
    await broker.subscribe(TEAM)
    for n in range(6):
        if n % 2:
            redis_server.ask("SCRIPT", "FLUSH")
        await broker.publish(TEAM, message(str(n), time.time()))
        await one.presence.enter(TEAM, f"s{n}", somebody("alice"))
    await one.settle()
    assert listener.texts() == [str(n) for n in range(6)]


async def test_a_full_redis_refuses_and_says_so(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    one = await start_backend()
    broker, listener = one.broker, one.listener
    await broker.subscribe(TEAM)
    await broker.publish(TEAM, message("before", time.time()))
    with capture_logs() as logs:
        redis_server.ask("CONFIG", "SET", "maxmemory", "1")
        for _ in range(3):
            with pytest.raises(Unavailable):
                await broker.publish(TEAM, message("lost", time.time()))
        await until(lambda: not one.ready)
        redis_server.ask("CONFIG", "SET", "maxmemory", "0")
        await until(lambda: one.ready)
    refused = [line for line in logs if line["event"] == "Redis refused a command"]
    assert [line["reason"].split()[0] for line in refused] == ["OOM"]
    await broker.publish(TEAM, message("after", time.time()))
    await one.settle()
    assert listener.texts() == ["before", "after"]


async def test_a_master_that_is_none_any_more_is_left(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running = await start_backend()
    broker = running.broker
    link = running.commands.link
    redis_server.ask("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(Unavailable):
        await broker.publish(TEAM, message("lost", time.time()))
    await until(lambda: not running.ready)
    redis_server.ask("REPLICAOF", "NO", "ONE")
    await until(lambda: running.ready)
    assert running.commands.link is not link
    assert (await broker.publish(TEAM, message("a", time.time()))).offset == 1


async def test_a_replica_is_told_of_once_and_left_alone_until_it_is_the_master(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running = await start_backend()
    tries: list[None] = []
    open_link = running.commands._connector.open

    async def open_and_count(on_reply: OnReply) -> Link:
        tries.append(None)
        return await open_link(on_reply)

    running.commands._connector.open = open_and_count  # type: ignore[method-assign]
    with capture_logs() as logs:
        redis_server.ask("REPLICAOF", "127.0.0.1", "1")
        await until(lambda: running.commands.link is None)
        await until(lambda: len(tries) > 4)
        redis_server.ask("REPLICAOF", "NO", "ONE")
        await until(lambda: running.ready)
    told = [line for line in logs if line["event"].startswith("Redis can't be reached")]
    assert len(told) <= 2  # that the connection was lost, and why there is no other
    assert "takes no writes" in told[-1]["reason"]
    assert len([line for line in logs if line["event"] == "connected to Redis"]) == 1


async def test_a_redis_that_cannot_save_refuses(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    one = await start_backend()
    shutil.rmtree(redis_server.directory)
    redis_server.ask("CONFIG", "SET", "save", "3600 1")
    redis_server.ask("SET", "x", "1")
    redis_server.ask("BGSAVE")
    await until(lambda: redis_server.ask("INFO")["rdb_last_bgsave_status"] == "err")
    with pytest.raises(Unavailable):
        await one.broker.publish(TEAM, message("lost", time.time()))
    await until(lambda: not one.ready)
    redis_server.ask("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
    await until(lambda: one.ready)


async def test_a_wrong_password_is_logged_once_and_kept_secret(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    redis_server.ask("CONFIG", "SET", "requirepass", "right-one")
    with capture_logs() as logs:
        wrong = await start_backend(redis_server.url.replace("://", "://:hunter2@"), wait=False)
        none = await start_backend(redis_server.url, wait=False)
        await until(lambda: len([line for line in logs if line["log_level"] == "error"]) >= 2)
        for one in (wrong, none):
            with pytest.raises(Unavailable):
                await one.broker.publish(TEAM, message("lost", time.time()))
            with pytest.raises(Unavailable):
                await one.broker.subscribe(TEAM)
            assert not one.ready
        # It goes on trying.
        redis_server.ask("CONFIG", "SET", "requirepass", "hunter2", password="right-one")
        await until(lambda: wrong.ready)
    errors = [line for line in logs if line["log_level"] == "error"]
    causes = [line["error"] for line in errors if "error" in line]
    assert causes.count("AuthenticationError") == 1
    assert not [line for line in logs if "hunter2" in str(line)]


async def test_the_rights_that_the_documentation_asks_for_are_enough(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    rights = acl_of(ROOT / "docs" / "operations.md")
    redis_server.ask("ACL", "SETUSER", "hearth", "on", ">secret", *rights)
    url = redis_server.url.replace("://", "://hearth:secret@")
    with capture_logs() as logs:
        one, other = await start_backend(url), await start_backend(url)
        listener = one.listener
        await one.broker.subscribe(TEAM)
        sent = replace(message("a", time.time(), nonce_key="alice 1"), for_workers=True)
        await other.broker.publish(TEAM, sent)
        await one.presence.enter(TEAM, "a1", somebody("alice"))
        await other.presence.members(TEAM)
        await other.broker.history(TEAM, None, 10)
        await other.statuses.claim(TEAM, 1)
        await other.statuses.claim(TEAM, 1)
        assert await other.broker.channels("/circles") == [TEAM]
        await one.renew()
        epoch = (await other.broker.recover(TEAM, None, 0)).position.epoch
        await one.broker._feeds._log.invalidate(TEAM, epoch)
        await other.broker.publish(TEAM, message("b", time.time()))
        await until(lambda: len(listener.received) == 3)
        await one.presence.exit(TEAM, "a1", somebody("alice"))
    assert not [
        line for line in logs if line["log_level"] != "info" and "lost" not in line["event"]
    ]


async def test_a_right_that_is_missing_is_named(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    rights = ("~*", "&hearth:*", "+@all", "-subscribe")
    redis_server.ask("ACL", "SETUSER", "hearth", "on", ">secret", *rights)
    url = redis_server.url.replace("://", "://hearth:secret@")
    with capture_logs() as logs:
        await start_backend(url, wait=False)
        await until(
            lambda: any("NOPERM" in str(line) and "subscribe" in str(line) for line in logs)
        )
    redis_server.ask("ACL", "SETUSER", "hearth", "+subscribe", "-xadd")
    running = await start_backend(url)
    with capture_logs() as logs, pytest.raises(Unavailable):
        await running.broker.publish(TEAM, message("lost", time.time()))
    assert "can't run this command" in str(logs[0]["reason"])  # Redis doesn't say which


def test_what_redis_6_says_of_scripts_is_understood() -> None:
    said = (
        "ERR Error running script (call to f_6b1bf486c81ceb7edf3c093f4c48582e38c0e791): "
        "@user_script:1: @user_script: 1: -{} command not allowed when used memory > 'maxmemory'."
    )
    assert ReplyError(said.format("OOM")).word == "OOM"
    assert ReplyError(said.format("READONLY")).word == "READONLY"
    assert ReplyError("ERR Error running script: WRONG").word == "ERR"
    assert ReplyError("NOSCRIPT No matching script").word == "NOSCRIPT"


def acl_of(page: Path) -> list[str]:
    """Return the rules that the page gives after `ACL SETUSER hearth on >password`."""
    line = next(
        one for one in page.read_text().splitlines() if one.startswith("ACL SETUSER hearth")
    )
    return line.split()[5:]


@pytest.mark.processes
async def test_a_redis_that_stays_read_only_fills_no_log(
    run: Run, redis_server: RedisServer
) -> None:
    """Each attempt to connect succeeds, and then the first write fails."""
    redis_server.ask("REPLICAOF", "127.0.0.1", "1")
    process = await run(REDIS_URL=redis_server.url)

    def connected() -> int:
        return int(redis_server.ask("INFO", "stats")["total_connections_received"])

    before = connected()
    await until(lambda: connected() > before + 16)  # half of them ask this
    assert await process.stop() == 0
    events = Counter(line["event"] for line in process.log)
    assert any("takes no writes" in str(line.get("reason")) for line in process.log)
    assert max(events.values()) <= LINES
