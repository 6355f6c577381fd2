"""The inbox is bounded in bytes, and what its consumers lose by that is told."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from app.broker.keys import INBOX_SIZE
from tests.fixtures.logs import Logs
from tests.fixtures.redis import StartBackend
from tests.support.backends import RunningBackend
from tests.support.messages import TEAM, message

MOST_BYTES = 10_000
INBOX, NOTE = "hearth:inbox", "hearth:inbox:bytes"
FULL = "the inbox is full: its oldest messages went before all workers had read them"


@pytest.fixture
async def backend(start_backend: StartBackend) -> RunningBackend:
    return await start_backend(inbox_bytes=MOST_BYTES)


async def publish(backend: RunningBackend, size: int = 300) -> None:
    sent = replace(message("x" * size, time.time()), for_workers=True)
    await backend.broker.publish(TEAM, sent)


async def add(backend: RunningBackend, size: int = 300) -> None:
    """Add what is for workers alone."""
    await backend.inbox.add_nowait(TEAM, message("x" * size, time.time()))


async def sizes(redis: Any) -> list[int]:
    entries = await redis.xrange(INBOX)
    return [sum(map(len, [*fields, *fields.values()])) for _id, fields in entries]


@pytest.mark.parametrize("send", [publish, add])
async def test_the_oldest_go_first(backend: RunningBackend, redis: Any, send: Any) -> None:
    for _number in range(100):
        await send(backend, 300)
        there = await sizes(redis)
        assert int((await redis.get(NOTE)).split()[0]) == sum(there) <= MOST_BYTES
    assert sum(there) > MOST_BYTES - 500
    await send(backend, 3 * MOST_BYTES)
    assert len(await sizes(redis)) == 1
    await send(backend, 300)
    assert len(await sizes(redis)) == 1


async def test_0_sets_no_bound(start_backend: StartBackend, redis: Any) -> None:
    backend = await start_backend(inbox_bytes=0)
    for _number in range(100):
        await publish(backend)
    assert sum(await sizes(redis)) > 3 * MOST_BYTES
    assert not await redis.exists(NOTE)


async def test_workers_and_older_processes_may_add_and_remove(
    backend: RunningBackend, redis: Any
) -> None:
    for _round in range(30):
        for _number in range(5):
            await redis.xadd(INBOX, {"envelope": "y" * 1500}, maxlen=INBOX_SIZE)
        await publish(backend)
        there = await sizes(redis)
        assert sum(there) <= MOST_BYTES
        # Workers delete what they have done.
        for entry_id, _fields in await redis.xrange(INBOX, count=3):
            await redis.xdel(INBOX, entry_id)
    await redis.delete(INBOX)
    for _number in range(60):
        await publish(backend)
    assert MOST_BYTES - 500 < sum(await sizes(redis)) <= MOST_BYTES


async def test_what_no_worker_has_read_is_told(
    backend: RunningBackend, redis: Any, logs: Logs
) -> None:
    await redis.xgroup_create(INBOX, "fast", id="0", mkstream=True)
    await redis.xgroup_create(INBOX, "slow", id="0")
    for _number in range(60):
        await publish(backend)
        await redis.xreadgroup("fast", "one", {INBOX: ">"})
        if _number == 9:
            await redis.xreadgroup("slow", "one", {INBOX: ">"})
    gone = 60 - len(await sizes(redis))
    assert gone > 10
    assert backend.counters.inbox_lost == gone - 10
    lines = [line for line in logs.lines if line["event"] == FULL]
    assert len(lines) == 1  # though many went
    assert "INBOX_BYTES" in lines[0]["admitted_by"]


async def test_where_all_has_been_read_or_nobody_reads_nothing_is_told(
    backend: RunningBackend, redis: Any, logs: Logs
) -> None:
    for _number in range(60):
        await publish(backend)
    await redis.xgroup_create(INBOX, "fast", id="$")
    for _number in range(60):
        await publish(backend)
        await redis.xreadgroup("fast", "one", {INBOX: ">"})
    assert backend.counters.inbox_lost == 0
    assert FULL not in logs.events()


async def test_a_user_of_redis_who_may_not_ask_for_groups_publishes_all_the_same(
    backend: RunningBackend, redis: Any
) -> None:
    await redis.execute_command("ACL", "SETUSER", "default", "-xinfo")
    for _number in range(60):
        await publish(backend)
    assert sum(await sizes(redis)) <= MOST_BYTES
    assert backend.counters.inbox_lost == 0


async def test_what_the_number_pushes_out_is_told_too(
    start_backend: StartBackend, redis: Any
) -> None:
    pipe = redis.pipeline(transaction=False)
    for number in range(INBOX_SIZE + 99):
        pipe.xadd(INBOX, {"number": number})
    pipe.xgroup_create(INBOX, "slow", id="0")
    await pipe.execute()
    backend = await start_backend()
    await publish(backend)
    assert await redis.xlen(INBOX) == INBOX_SIZE
    assert backend.counters.inbox_lost == 100
