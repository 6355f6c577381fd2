"""What a process knows of what others have ingested, from the moment it receives."""

from __future__ import annotations

import time

from redis.asyncio import Redis

from app.broker.keys import Keys
from app.workers.backlog import digest
from tests.support.ingests import EMITS, RunningIngest, emit, emitted, until_contents
from tests.support.ready import until
from tests.support.redis import RedisServer
from tests.workers.conftest import Start


async def test_what_a_process_heard_is_published_once_however_late_it_asks(
    redis_server: RedisServer, redis: Redis
) -> None:
    late = RunningIngest(redis_server.url)
    await late.backend.subscriptions.start()
    await until(lambda: late.backend.subscriptions.ready)
    await emit(redis, 0, 2)
    await until(lambda: len(late.ingest._backlog) == 2)
    # Another process ingested the first of them, and has died, long before this one asks.
    ingested_at = int(time.time() * 1000) - 60_000
    await redis.xadd(Keys("hearth").ingest_digests, {"d": digest(EMITS, emitted(0))}, ingested_at)

    await late.backend.commands.start()
    await late.hub.memberships.start()
    await late.ingest.start()
    await until_contents(late, ["1"])
    await late.close()


async def test_what_was_ingested_before_a_process_heard_anything_is_not_taken_for_a_repeat(
    start: Start, redis_server: RedisServer, redis: Redis
) -> None:
    leader = await start()
    await emit(redis, 0, 1)
    await until_contents(leader, ["0"])
    late = RunningIngest(redis_server.url)
    await late.backend.subscriptions.start()
    await until(lambda: late.backend.subscriptions.ready)
    leader.gate.clear()
    await emit(redis, 0, 1)  # the same bytes
    await until(lambda: len(late.ingest._backlog) == 1)
    await leader.vanish()

    await late.backend.commands.start()
    await late.hub.memberships.start()
    await late.ingest.start()
    await until_contents(late, ["0", "0"])
    await late.close()


async def test_a_leader_whose_connection_is_lost_leads_no_more_at_once(
    start: Start, redis: Redis
) -> None:
    leader = await start()
    await until(lambda: leader.ingest.leads)
    led: list[bool] = []
    leader.backend.subscriptions.on_interrupted(lambda: led.append(leader.ingest.leads))
    await redis.client_kill_filter(_type="pubsub")
    await until(lambda: bool(led))
    assert led == [False]
    await until(lambda: leader.ingest.leads)
