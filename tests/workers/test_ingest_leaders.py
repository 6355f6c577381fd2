"""The leader of an ingest is killed, late, or has missed something, and another one goes on."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from tests.support.ingests import (
    EMITS,
    RunningIngest,
    emit,
    emitted,
    leader_of,
    names,
    settled,
    until_contents,
)
from tests.support.ready import until
from tests.support.redis import RedisServer
from tests.workers.conftest import Start


async def test_what_a_killed_leader_left_is_ingested_by_another(start: Start, redis: Redis) -> None:
    some = [await start() for _ in range(3)]
    leader = leader_of(some)
    await emit(redis, 0, 20)
    await until_contents(leader, names(0, 20))
    leader.gate.clear()
    await emit(redis, 20, 40)
    for _ in range(5):
        await redis.publish(EMITS, emitted("same"))
    await leader.vanish()
    rest = [one for one in some if one is not leader]
    await emit(redis, 40, 60)
    await until_contents(rest[0], [*names(0, 40), *["same"] * 5, *names(40, 60)])
    await settled(rest)


async def test_who_has_just_started_leaves_it_to_those_who_are_caught_up(
    start: Start, redis: Redis, redis_server: RedisServer
) -> None:
    some = [await start() for _ in range(2)]
    leader = leader_of(some)
    other = next(one for one in some if one is not leader)
    leader.gate.clear()
    await emit(redis, 0, 10)
    young = [await RunningIngest.start(redis_server.url) for _ in range(3)]
    try:
        await emit(redis, 10, 20)
        await leader.vanish()
        await until(lambda: other.ingest.leads)
        await until_contents(other, names(0, 20))
        await until(lambda: all(one.ingest.caught_up for one in young))
        await settled([other, *young])
    finally:
        await asyncio.gather(*(one.close() for one in young))


async def test_who_starts_alone_after_a_kill_ingests_what_it_has_received(
    start: Start, redis: Redis
) -> None:
    leader = await start()
    await leader.vanish()  # and its lease is still there
    young = asyncio.create_task(start())
    while (await redis.pubsub_numsub(EMITS))[0][1] == 0:  # noqa: ASYNC110 - no event
        await asyncio.sleep(0.01)
    await emit(redis, 0, 10)
    one = await young
    await until_contents(one, names(0, 10))


async def test_a_late_publish_of_a_former_leader_does_nothing(start: Start, redis: Redis) -> None:
    some = [await start() for _ in range(2)]
    leader = leader_of(some)
    other = next(one for one in some if one is not leader)
    leader.gate.clear()  # it stands still for longer than its lease
    await emit(redis, 0, 30)
    await until(lambda: other.ingest.leads)
    await until_contents(other, names(0, 30))
    leader.gate.set()
    await emit(redis, 30, 40)
    await until_contents(other, names(0, 40))
    await settled(some)
    assert not leader.ingest.leads


async def test_a_leader_that_has_missed_something_lets_another_have_it(
    start: Start, redis: Redis
) -> None:
    some = [await start() for _ in range(2)]
    leader = leader_of(some)
    other = next(one for one in some if one is not leader)
    leader.backend.subscriptions.drop()
    await emit(redis, 0, 30)
    await until_contents(other, names(0, 30))
    await until(lambda: leader.ingest.caught_up)
    await emit(redis, 30, 40)
    await until_contents(other, names(0, 40))
    await settled(some)
