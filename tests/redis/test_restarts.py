"""Redis restarts: with its data, without, with an older state of it."""

from __future__ import annotations

import asyncio
import time

import orjson
import pytest

from app.core.history import Position
from app.core.message import DISCONTINUITY, Publication
from tests.fixtures.redis import StartBackend
from tests.support.listener import Listener
from tests.support.messages import TEAM, message, somebody, text_of, texts_of
from tests.support.ready import until, until_members
from tests.support.redis import RedisServer

ALICE = somebody("alice")
KEY = "hearth:{/circles:dev-team}"


def kinds(listener: Listener) -> list[str]:
    """Return the texts of messages, and the positions of discontinuities."""
    return [_kind(one) for _, one in listener.received]


def _kind(one: Publication) -> str:
    if one.type != DISCONTINUITY:
        return text_of(one)
    envelope = orjson.loads(one.body)
    assert set(envelope) == {"type", "channel", "data", "timestamp"}
    assert (envelope["channel"], set(envelope["data"])) == ("dev-team", {"epoch", "offset"})
    return f"lost, at {envelope['data']['offset']}"


async def test_with_its_data_nobody_notices(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    redis_server.stop()
    redis_server.start(*RedisServer.KEPT)
    here, there = await start_backend(), await start_backend()
    broker, other, listener = here.broker, there.broker, here.listener
    await broker.subscribe(TEAM)
    await here.presence.enter(TEAM, "a1", ALICE)
    receipts = [await broker.publish(TEAM, message(str(n), time.time())) for n in range(3)]
    redis_server.stop()
    await until(lambda: not here.ready and not there.ready)
    await asyncio.sleep(0.3)
    redis_server.start(*RedisServer.KEPT)
    await until(lambda: here.ready and there.ready)
    receipts.append(await other.publish(TEAM, message("3", time.time())))
    await until(lambda: len(listener.received) == 4)
    assert kinds(listener) == ["0", "1", "2", "3"]
    assert len({receipt.epoch for receipt in receipts}) == 1
    assert [receipt.offset for receipt in receipts] == [1, 2, 3, 4]
    assert (await there.presence.members(TEAM)).count == 1
    assert here.listener.changes == there.listener.changes == {}


async def test_without_its_data_members_are_notified_once(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    here, there = await start_backend(), await start_backend()
    broker, other, listener = here.broker, there.broker, here.listener
    await broker.subscribe(TEAM)
    await here.presence.enter(TEAM, "a1", ALICE)
    for n in range(3):
        first = await other.publish(TEAM, message(str(n), time.time()))
    await until(lambda: len(listener.received) == 3)  # a Redis that dies takes along what is unsent
    redis_server.stop()
    await until(lambda: not here.ready and not there.ready)
    redis_server.start()
    await until(lambda: here.ready and there.ready)
    again = await other.publish(TEAM, message("after", time.time()))
    assert (again.offset, again.epoch != first.epoch) == (1, True)
    await other.publish(TEAM, message("and on", time.time()))
    await until(lambda: len(listener.received) == 6)
    await until_members(here.presence, TEAM, "alice")
    assert kinds(listener) == ["0", "1", "2", "lost, at 0", "after", "and on"]
    recovery = await other.recover(TEAM, Position(3, first.epoch), None)
    assert (recovery.recovered, texts_of(recovery.publications)) == (False, ["after", "and on"])


async def test_flushed_under_living_connections(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    here, there = await start_backend(), await start_backend()
    broker, other, listener = here.broker, there.broker, here.listener
    await broker.subscribe(TEAM)
    await here.presence.enter(TEAM, "a1", ALICE)
    for n in range(3):
        await other.publish(TEAM, message(str(n), time.time()))
    redis_server.ask("FLUSHALL")
    for n in range(3, 6):
        await other.publish(TEAM, message(str(n), time.time()))
    await until(lambda: len(listener.received) == 7)
    await until_members(here.presence, TEAM, "alice")
    await here.settle()
    assert kinds(listener) == ["0", "1", "2", "lost, at 0", "3", "4", "5"]


@pytest.mark.parametrize("more", [0, 1, 5])
async def test_with_an_old_snapshot_members_are_notified_once(
    start_backend: StartBackend, redis_server: RedisServer, more: int
) -> None:
    here, there = await start_backend(), await start_backend()
    broker, other, listener = here.broker, there.broker, here.listener
    await broker.subscribe(TEAM)
    for n in range(3):
        await other.publish(TEAM, message(str(n), time.time()))
    redis_server.ask("SAVE")
    for n in range(3, 6):
        first = await other.publish(TEAM, message(str(n), time.time()))
    await until(lambda: len(listener.received) == 6)
    redis_server.stop()
    await until(lambda: not here.ready and not there.ready)
    redis_server.start()
    # Another process publishes before the one with members is back, up to beyond its offset.
    for n in range(more):
        sent = message(f"other {n}", time.time())
        record = f"{sent.type} {sent.published_at:.6f}\n{sent.body.decode()}"
        redis_server.ask("HINCRBY", f"{KEY}:head", "offset", 1)
        redis_server.ask("XADD", f"{KEY}:log", f"{4 + n}-0", "s", 4 + n, "m", record)
    await until(lambda: here.ready and there.ready)
    await until(lambda: len(listener.received) == 7)
    again = await other.publish(TEAM, message("after", time.time()))
    assert again.epoch != first.epoch
    assert again.offset == 4 + more
    await until(lambda: len(listener.received) == 8)
    expected = [*map(str, range(6)), f"lost, at {3 + more}", "after"]
    assert kinds(listener) == expected
    # A position of before can't be recovered, and that is reported.
    recovery = await other.recover(TEAM, Position(5, first.epoch), 0)
    assert recovery.recovered is False


async def test_an_old_snapshot_has_no_ghosts_and_misses_nobody(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    here = await start_backend()
    await here.presence.enter(TEAM, "ghost", somebody("ghost"))
    await here.presence.enter(TEAM, "a1", ALICE)
    redis_server.ask("SAVE")
    await here.presence.exit(TEAM, "ghost", somebody("ghost"))
    await here.presence.enter(TEAM, "b1", somebody("bob"))
    redis_server.stop()
    await until(lambda: not here.ready)
    redis_server.start()
    await until(lambda: here.ready)

    await until_members(here.presence, TEAM, "alice", "bob")


async def test_who_joins_while_history_is_lost_gets_what_follows_once(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    here, there = await start_backend(), await start_backend()
    broker, other, listener = here.broker, there.broker, here.listener
    await broker.subscribe(TEAM)
    await other.publish(TEAM, message("before", time.time()))
    await here.settle()
    redis_server.ask("FLUSHALL")
    await other.publish(TEAM, message("a", time.time()))
    recovery = await broker.recover(TEAM, None, 10)  # waits until all up to there was received
    assert texts_of(recovery.publications) == ["a"]
    assert kinds(listener) == ["before", "lost, at 0", "a"]
