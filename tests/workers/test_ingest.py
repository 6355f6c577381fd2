"""One of several processes ingests what all receive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from app.broker.contract import Fence, Published
from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.message import Message
from app.redis.commands import ReplyError
from app.workers.backlog import Backlog
from app.workers.ingest import MOST_FAILURES
from app.workers.lease import IngestTimes
from tests.support.ingests import EMITS, RunningIngest, content_of, emitted
from tests.support.ready import until
from tests.support.redis import RedisServer

Start = Callable[..., Coroutine[Any, Any, RunningIngest]]


@pytest.fixture
async def start(redis_server: RedisServer) -> AsyncIterator[Start]:
    """Return a function that starts an ingest and waits until it is caught up."""
    started: list[RunningIngest] = []

    async def start_one(**options: Any) -> RunningIngest:
        one = await RunningIngest.start_caught_up(redis_server.url, **options)
        started.append(one)
        return one

    yield start_one
    await asyncio.gather(*(one.close() for one in started))


def names(first: int, last: int) -> list[str]:
    """Return numbers as `emitted` writes them."""
    return [str(number) for number in range(first, last)]


async def emit(redis: Redis, first: int, last: int) -> None:
    """Emit numbered messages."""
    for number in range(first, last):
        await redis.publish(EMITS, emitted(number))


async def until_contents(one: RunningIngest, wanted: list[str]) -> None:
    """Wait until history has as much, and check that it is this."""
    async with asyncio.timeout(30):
        contents: list[str] = []
        while len(contents) < len(wanted):
            await asyncio.sleep(0.02)
            with suppress(Unavailable):
                contents = await one.contents()
    assert contents == wanted


async def rejected(redis: Redis) -> list[tuple[bytes, bytes]]:
    """Return what was rejected, and why."""
    entries: Any = await redis.xrange("hearth:rejected")
    return [(fields[b"data"], fields[b"reason"]) for _id, fields in entries]


def leader_of(some: Sequence[RunningIngest]) -> RunningIngest:
    """Return the one that leads."""
    (leader,) = [one for one in some if one.ingest.leads]
    return leader


async def settled(some: Sequence[RunningIngest]) -> None:
    """Wait until nothing is waiting anywhere."""
    await until(lambda: not any(len(one.ingest._backlog) for one in some))


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


class Refuses:
    """A broker that fails to publish what contains a word."""

    def __init__(self, one: RunningIngest, word: str, error: Exception) -> None:
        self._publish_all = one.backend.broker.publish_all
        self._word = word
        self._error = error
        self.refused = 0
        one.backend.broker.publish_all = self  # type: ignore[method-assign]

    async def __call__(
        self, targets: Sequence[tuple[Channel, Message]], fence: Fence | None = None
    ) -> Published:
        if any(self._word.encode() in message.body for _channel, message in targets):
            self.refused += 1
            raise self._error
        return await self._publish_all(targets, fence)


@pytest.mark.parametrize("error", [ReplyError("WRONGTYPE of a key"), Unavailable()])
async def test_what_redis_never_takes_is_rejected_and_delays_nobody(
    start: Start,
    redis: Redis,
    error: Exception,
) -> None:
    one = await start(times=IngestTimes(renew=0.05))
    refuses = Refuses(one, "poison", error)
    await emit(redis, 0, 5)
    with capture_logs():
        await redis.publish(EMITS, emitted("poison"))
        await redis.publish(EMITS, emitted("poison"))
        await emit(redis, 5, 10)
        await until_contents(one, names(0, 10))
        await settled([one])
    assert 2 <= refuses.refused <= 2 * MOST_FAILURES + 1
    assert [data for data, _reason in await rejected(redis)] == [emitted("poison")] * 2
    assert one.hub.counters.rejected[EMITS] == 2


async def test_what_cannot_be_read_is_rejected(start: Start, redis: Redis) -> None:
    one = await start()

    async def fail() -> Any:
        raise KeyError("a mistake of ours")

    with capture_logs() as logs:
        one.ingest.receive(EMITS, b"odd", fail)
        await emit(redis, 0, 2)
        await until_contents(one, names(0, 2))
    assert [line["log_level"] for line in logs] == ["error", "warning"]
    assert await rejected(redis) == [(b"odd", b"KeyError")]


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
