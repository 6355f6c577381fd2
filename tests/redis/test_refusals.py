"""A Redis that answers, and refuses: full, read-only, forgetful, or of another mind who we are."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.core.errors import Unavailable
from app.redis.commands import ReplyError
from tests.redis.conftest import Start
from tests.support.listener import Listener
from tests.support.messages import TEAM, message, somebody
from tests.support.process import ROOT
from tests.support.ready import until
from tests.support.redis import RedisServer


async def test_forgotten_scripts_are_sent_again(start: Start, redis_server: RedisServer) -> None:
    broker = (await start()).broker
    listener = Listener(broker)
    await broker.subscribe(TEAM)
    for n in range(6):
        if n % 2:
            redis_server.ask("SCRIPT", "FLUSH")
        await broker.publish(TEAM, message(str(n), time.time()))
        await broker.enter(TEAM, f"s{n}", somebody("alice"))
    await listener.settle()
    assert listener.texts() == [str(n) for n in range(6)]


async def test_a_full_redis_refuses_and_says_so(start: Start, redis_server: RedisServer) -> None:
    broker = (await start()).broker
    listener = Listener(broker)
    await broker.subscribe(TEAM)
    await broker.publish(TEAM, message("before", time.time()))
    with capture_logs() as logs:
        redis_server.ask("CONFIG", "SET", "maxmemory", "1")
        for _ in range(3):
            with pytest.raises(Unavailable):
                await broker.publish(TEAM, message("lost", time.time()))
        await until(lambda: not broker.ready)
        redis_server.ask("CONFIG", "SET", "maxmemory", "0")
        await until(lambda: broker.ready)
    refused = [line for line in logs if line["event"] == "Redis refused a command"]
    assert [line["reason"].split()[0] for line in refused] == ["OOM"]
    await broker.publish(TEAM, message("after", time.time()))
    await listener.settle()
    assert listener.texts() == ["before", "after"]


async def test_a_master_that_is_none_any_more_is_left(
    start: Start, redis_server: RedisServer
) -> None:
    running = await start()
    broker = running.broker
    link = running.commands.link
    redis_server.ask("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(Unavailable):
        await broker.publish(TEAM, message("lost", time.time()))
    await until(lambda: not broker.ready)
    redis_server.ask("REPLICAOF", "NO", "ONE")
    await until(lambda: broker.ready)
    assert running.commands.link is not link
    assert (await broker.publish(TEAM, message("a", time.time()))).offset == 1


async def test_a_redis_that_cannot_save_refuses(start: Start, redis_server: RedisServer) -> None:
    broker = (await start()).broker
    shutil.rmtree(redis_server.directory)
    redis_server.ask("CONFIG", "SET", "save", "3600 1")
    redis_server.ask("SET", "x", "1")
    redis_server.ask("BGSAVE")
    await until(lambda: redis_server.ask("INFO")["rdb_last_bgsave_status"] == "err")
    with pytest.raises(Unavailable):
        await broker.publish(TEAM, message("lost", time.time()))
    await until(lambda: not broker.ready)
    redis_server.ask("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
    await until(lambda: broker.ready)


async def test_a_wrong_password_is_told_of_once_and_kept_secret(
    start: Start, redis_server: RedisServer
) -> None:
    redis_server.ask("CONFIG", "SET", "requirepass", "right-one")
    with capture_logs() as logs:
        wrong = await start(redis_server.url.replace("://", "://:hunter2@"), wait=False)
        none = await start(redis_server.url, wait=False)
        await until(lambda: len([line for line in logs if line["log_level"] == "error"]) >= 2)
        for one in (wrong, none):
            with pytest.raises(Unavailable):
                await one.broker.publish(TEAM, message("lost", time.time()))
            with pytest.raises(Unavailable):
                await one.broker.subscribe(TEAM)
            assert not one.broker.ready
        # It goes on trying.
        redis_server.ask("CONFIG", "SET", "requirepass", "hunter2", password="right-one")
        await until(lambda: wrong.broker.ready)
    errors = [line for line in logs if line["log_level"] == "error"]
    causes = [line["error"] for line in errors if "error" in line]
    assert causes.count("AuthenticationError") == 1
    assert not [line for line in logs if "hunter2" in str(line)]


async def test_the_rights_that_the_documentation_asks_for_are_enough(
    start: Start, redis_server: RedisServer
) -> None:
    rights = acl_of(ROOT / "docs" / "operations.md")
    redis_server.ask("ACL", "SETUSER", "hearth", "on", ">secret", *rights)
    url = redis_server.url.replace("://", "://hearth:secret@")
    with capture_logs() as logs:
        one, other = await start(url), await start(url)
        listener = Listener(one.broker)
        await one.broker.subscribe(TEAM)
        sent = replace(message("a", time.time(), nonce_key="alice 1"), for_workers=True)
        await other.broker.publish(TEAM, sent)
        await one.broker.enter(TEAM, "a1", somebody("alice"))
        await other.broker.members(TEAM)
        await other.broker.history(TEAM, None, 10)
        await other.broker.turn(TEAM, 1)
        await other.broker.turn(TEAM, 1)
        assert await other.broker.channels("/circles") == [TEAM]
        await one.broker._renew()
        epoch = (await other.broker.recover(TEAM, None, 0)).position.epoch
        await one.broker._feeds._log.renounce(TEAM, epoch)
        await other.broker.publish(TEAM, message("b", time.time()))
        await until(lambda: len(listener.received) == 3)
        await one.broker.exit(TEAM, "a1", somebody("alice"))
    assert not [
        line for line in logs if line["log_level"] != "info" and "lost" not in line["event"]
    ]


async def test_a_right_that_is_missing_is_named(start: Start, redis_server: RedisServer) -> None:
    rights = ("~*", "&hearth:*", "+@all", "-subscribe")
    redis_server.ask("ACL", "SETUSER", "hearth", "on", ">secret", *rights)
    url = redis_server.url.replace("://", "://hearth:secret@")
    with capture_logs() as logs:
        await start(url, wait=False)
        await until(
            lambda: any("NOPERM" in str(line) and "subscribe" in str(line) for line in logs)
        )
    redis_server.ask("ACL", "SETUSER", "hearth", "+subscribe", "-xadd")
    running = await start(url)
    with capture_logs() as logs, pytest.raises(Unavailable):
        await running.broker.publish(TEAM, message("lost", time.time()))
    assert "can't run this command" in str(logs[0]["reason"])  # Redis doesn't say which


def test_what_redis_6_says_of_scripts_is_understood() -> None:
    said = (
        "ERR Error running script (call to f_6b1bf486c81ceb7edf3c093f4c48582e38c0e791): "
        "@user_script:1: @user_script: 1: -{} command not allowed when used memory > 'maxmemory'."
    )
    assert ReplyError(said.format("OOM")).code == "OOM"
    assert ReplyError(said.format("READONLY")).code == "READONLY"
    assert ReplyError("ERR Error running script: WRONG").code == "ERR"
    assert ReplyError("NOSCRIPT No matching script").code == "NOSCRIPT"


def acl_of(page: Path) -> list[str]:
    """Return the rules that the page gives after `ACL SETUSER hearth on >password`."""
    line = next(
        one for one in page.read_text().splitlines() if one.startswith("ACL SETUSER hearth")
    )
    return line.split()[5:]
