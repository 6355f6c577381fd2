"""The bytes of a channel's history in Redis are bounded, whoever else writes and trims there."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import Any

import pytest

from app.core.history import HistoryOptions
from tests.fixtures.redis import StartBackend
from tests.support.backends import RunningBackend
from tests.support.messages import TEAM, message, texts_of
from tests.support.redis import RedisServer

MOST_BYTES = 10_000
SIZE = 100
OPTIONS = HistoryOptions(SIZE, 3600, most_bytes=MOST_BYTES)
HEAD, LOG = "hearth:{/circles:dev-team}:head", "hearth:{/circles:dev-team}:log"


@pytest.fixture
async def backend(start_backend: StartBackend) -> RunningBackend:
    return await start_backend(history=OPTIONS)


async def publish(backend: RunningBackend, size: int, key: str | None = None) -> None:
    sent = replace(message("x" * size, time.time()), compaction_key=key)
    await backend.broker.publish(TEAM, sent)


async def publish_as_older(redis: Any, size: int) -> None:
    """Publish as a process of a version does that bounds the number of messages only."""
    await redis.hsetnx(HEAD, "epoch", "e1")
    offset = await redis.hincrby(HEAD, "offset", 1)
    record = f"user_message {time.time():.6f}\n" + '{"data":{"content":"' + "x" * size + '"}}'
    await redis.xadd(LOG, {"s": offset, "m": record}, id=f"{offset}-0")


async def sizes(redis: Any) -> list[int]:
    """Return the size of each entry, oldest first."""
    entries = await redis.xrange(LOG)
    return [sum(map(len, [*fields, *fields.values()])) for _id, fields in entries]


async def noted(redis: Any) -> tuple[int, int, bytes]:
    number, entries, counted = (await redis.hget(HEAD, "note")).split()
    return int(number), int(entries), counted


async def test_the_note_is_what_is_there(backend: RunningBackend, redis: Any) -> None:
    chance = random.Random(7)
    for number in range(1, 301):
        await publish(backend, chance.choice([1, 300, 2000]), chance.choice([None, "a", "b"]))
        there = await sizes(redis)
        assert await noted(redis) == (sum(there), len(there), b"%d-0" % number)
        assert sum(there) <= MOST_BYTES or len(there) == 1


@pytest.mark.parametrize("seed", range(4))
async def test_beside_processes_of_older_versions_it_stays_bounded(
    backend: RunningBackend, redis: Any, seed: int
) -> None:
    chance = random.Random(seed)
    for _step in range(400):
        size = chance.choice([1, 300, 2000, 12_000])
        match chance.choice(["ours", "ours", "theirs", "theirs", "trimmed", "read", "damaged"]):
            case "ours":
                await publish(backend, size, chance.choice([None, "a"]))
                there = await sizes(redis)
                assert sum(there) <= MOST_BYTES or len(there) == 1
            case "theirs":
                await publish_as_older(redis, size)
            case "trimmed":
                await redis.xtrim(LOG, maxlen=chance.choice([3, SIZE]), approximate=False)
            case "read":
                await backend.broker.history(TEAM, None, 1)
                there = await sizes(redis)
                assert sum(there) <= MOST_BYTES or len(there) <= 1
            case "damaged":
                await redis.hset(HEAD, "note", chance.choice(["", "1", "1 2 x", "x 1 1-0"]))
    # And it is right again: as much is kept as fits.
    for _again in range(100):
        await publish(backend, 300)
    there = await sizes(redis)
    assert MOST_BYTES - 500 < sum(there) <= MOST_BYTES
    assert (await noted(redis))[:2] == (sum(there), len(there))


async def test_history_of_an_older_version_is_counted_once(
    backend: RunningBackend, redis: Any, redis_server: RedisServer
) -> None:
    for _number in range(90):
        await publish_as_older(redis, 300)
    page = await backend.broker.history(TEAM, None, 100)
    assert 20 < len(page.publications) < 30
    assert (await noted(redis))[0] == sum(await sizes(redis)) <= MOST_BYTES
    await redis.config_resetstat()
    await publish(backend, 300)
    calls = (await redis.info("commandstats")).get("cmdstat_xrevrange", {"calls": 0})["calls"]
    assert calls == 0


async def test_a_publish_reads_as_little_of_a_long_history_as_of_a_short_one(
    start_backend: StartBackend, redis: Any
) -> None:
    backend = await start_backend(history=HistoryOptions(100_000, 3600, most_bytes=200_000))
    calls = []
    for _round in range(2):
        for _number in range(640):
            await publish(backend, 300)
        await redis.config_resetstat()
        for _number in range(64):
            await publish(backend, 300)
        stats = await redis.info("commandstats")
        calls.append(sum(one["calls"] for name, one in stats.items() if "range" in name))
    assert len(await sizes(redis)) < 640
    assert calls[1] <= calls[0] + 2


async def test_after_the_setting_was_lowered_a_page_reads_what_it_answers(
    start_backend: StartBackend, redis: Any
) -> None:
    pipe = redis.pipeline(transaction=False)
    for number in range(1, 5001):
        record = f'user_message {time.time():.6f}\n{{"data":{{"content":"{number}"}}}}'
        pipe.xadd(LOG, {"s": number, "m": record}, id=f"{number}-0")
    pipe.hset(HEAD, mapping={"epoch": "e1", "offset": 5000})
    await pipe.execute()
    backend = await start_backend(history=HistoryOptions(10, 3600))
    await redis.config_resetstat()
    page = await backend.broker.history(TEAM, None, 100)
    assert texts_of(page.publications) == [str(number) for number in range(4991, 5001)]
    assert not page.more
    stats = await redis.info("commandstats")
    # The entries that are left were read, a few times over; the others went unread.
    assert sum(one["calls"] for name, one in stats.items() if "range" in name) < 10
    assert await redis.xlen(LOG) == 10
