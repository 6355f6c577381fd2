"""One of several processes ingests what all receive."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from app.core.channel import Channel
from app.workers.backlog import Backlog
from tests.support.ingests import (
    EMITS,
    content_of,
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


async def test_each_is_published_once_in_order(start: Start, redis: Redis) -> None:
    some = [await start() for _ in range(3)]
    await emit(redis, 0, 300)
    await until_contents(some[0], names(0, 300))
    await settled(some)
    assert len([one for one in some if one.ingest.leads]) == 1


async def test_equal_ones_count_each(start: Start, redis: Redis) -> None:
    some = [await start() for _ in range(2)]
    for _ in range(50):
        await redis.publish(EMITS, emitted("same"))
    await until_contents(some[0], ["same"] * 50)
    await settled(some)


async def test_every_connection_is_cut_while_emits_stream_in(start: Start, redis: Redis) -> None:
    some = [await start() for _ in range(2)]
    for round_number in range(5):
        await emit(redis, 20 * round_number, 20 * round_number + 20)
        for one in some:
            one.backend.commands.drop()
    await until_contents(some[0], names(0, 100))
    await settled(some)


async def test_a_redis_that_has_lost_its_data(
    start: Start, redis: Redis, redis_server: RedisServer
) -> None:
    some = [await start() for _ in range(2)]
    await emit(redis, 0, 10)
    await until_contents(some[0], names(0, 10))
    leader = leader_of(some)
    redis_server.stop()
    redis_server.start()
    await redis.connection_pool.disconnect()
    await until(lambda: all(one.backend.broker.ready for one in some))
    await emit(redis, 10, 20)
    await until_contents(leader, names(10, 20))
    await until(lambda: all(one.ingest.caught_up for one in some))
    await settled(some)
    await emit(redis, 20, 30)
    await until_contents(leader, names(10, 30))


async def test_emits_before_a_close_are_ingested(start: Start, redis: Redis) -> None:
    one, other = await start(), await start()
    await emit(redis, 0, 200)
    await leader_of([one, other]).ingest.close()
    await emit(redis, 200, 210)
    await until_contents(one, names(0, 210))


async def test_an_emit_into_a_whole_namespace_is_one_step(start: Start, redis: Redis) -> None:
    one = await start()
    channels = [Channel("/circles", f"c{number}") for number in range(2000)]
    for channel in channels:
        await one.backend.broker.subscribe(channel)
    await redis.publish(EMITS, emitted("all", room=None))
    await emit(redis, 0, 1)
    await until_contents(one, ["0"])
    for channel in channels[::100]:
        page = await one.backend.broker.history(channel, None, 10)
        assert [content_of(publication) for publication in page.publications] == ["all"]
    one.ingest._batcher._most_step_bytes = 100_000
    with capture_logs() as logs:
        await redis.publish(EMITS, emitted("more", room=None))
        await emit(redis, 1, 2)
        await until_contents(one, names(0, 2))
    assert [line["event"] for line in logs] == ["rejected what a worker emitted"]
    assert "2000 channels" in logs[0]["reason"]


async def test_memory_is_bounded(start: Start, redis: Redis) -> None:
    some = [await start(backlog=Backlog(most=50)) for _ in range(2)]
    leader = leader_of(some)
    other = next(one for one in some if one is not leader)
    leader.gate.clear()
    with capture_logs() as logs:
        await emit(redis, 0, 100)
        await until(lambda: len(other.ingest._backlog) == 50)
        await redis.ping()
        assert not other.ingest.caught_up
        assert len(leader.ingest._backlog) <= 50
        leader.gate.set()
        await until_contents(leader, names(0, 50))
        await emit(redis, 100, 110)
        await until_contents(leader, [*names(0, 50), *names(100, 110)])
        await until(lambda: all(one.ingest.caught_up for one in some))
    dropped = [line for line in logs if line["log_level"] == "error"]
    assert 1 <= len(dropped) <= 4  # not one line for each


async def test_who_was_suspended_forgets_what_it_received_before(
    start: Start, redis: Redis
) -> None:
    some = [await start() for _ in range(2)]
    await emit(redis, 0, 10)
    await until_contents(some[0], names(0, 10))
    await settled(some)
    leader = leader_of(some)
    other = next(one for one in some if one is not leader)
    # What others have ingested meanwhile isn't in the stream any more.
    other.ingest.receive(EMITS, emitted("old"), pytest.fail)
    await redis.xtrim("hearth:emits:taken", maxlen=0)
    await emit(redis, 10, 20)
    await until_contents(leader, names(0, 20))
    await settled(some)
    await until(lambda: all(one.ingest.caught_up for one in some))


async def test_a_leader_keeps_what_it_has_when_the_log_is_gone(start: Start, redis: Redis) -> None:
    """Somebody has deleted the key, or Redis has evicted it: no connection is lost."""
    one = await start()
    await emit(redis, 0, 10)
    await until_contents(one, names(0, 10))
    await redis.delete("hearth:emits:taken")
    one.ingest._renew_soon()
    one._receive(emitted(10))  # before it is renewed
    await until_contents(one, names(0, 11))
    await emit(redis, 11, 20)
    await until_contents(one, names(0, 20))
