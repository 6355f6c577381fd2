"""Publishing while Redis is gone, frozen or slow: refused soon, and never done later."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.broker.redis import MAX_RECORD_BYTES
from app.core.errors import TooLarge, Unavailable
from tests.fixtures.redis import StartBackend
from tests.support.messages import TEAM, message, texts_of
from tests.support.ready import until
from tests.support.redis import RedisServer


async def test_a_redis_that_is_gone_takes_nothing(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    broker = (await start_backend()).broker
    redis_server.stop()
    await until(lambda: not broker.ready)
    with pytest.raises(Unavailable):
        await broker.publish(TEAM, message("lost", time.time()))
    redis_server.start()
    await until(lambda: broker.ready)
    assert (await broker.publish(TEAM, message("a", time.time()))).offset == 1


async def test_what_a_frozen_redis_did_not_take_in_time_is_never_published(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    one = await start_backend()
    broker, listener = one.broker, one.listener
    await broker.subscribe(TEAM)
    await broker.publish(TEAM, message("before", time.time()))
    redis_server.freeze()
    results = await asyncio.gather(
        *(broker.publish(TEAM, message(f"late {n}", time.time())) for n in range(500)),
        return_exceptions=True,
    )
    assert {type(result) for result in results} == {Unavailable}
    assert not broker.ready
    with pytest.raises(Unavailable):  # at once
        await asyncio.wait_for(broker.publish(TEAM, message("later", time.time())), 0.5)
    redis_server.thaw()
    await until(lambda: broker.ready)
    await broker.publish(TEAM, message("after", time.time()))
    await one.settle()
    assert listener.texts() == ["before", "after"]
    assert texts_of((await broker.history(TEAM, None, 1000)).publications) == ["before", "after"]


async def test_who_is_told_that_a_publish_failed_is_told_the_truth(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    """A publish that was sent later than one that timed out has time left, and Redis runs it."""
    one = await start_backend()
    broker, listener = one.broker, one.listener
    await broker.subscribe(TEAM)
    redis_server.freeze()
    first = asyncio.ensure_future(broker.publish(TEAM, message("first", time.time())))
    await asyncio.sleep(1)  # for real: deadlines are instants of Redis's clock
    second = asyncio.ensure_future(broker.publish(TEAM, message("second", time.time())))
    with pytest.raises(Unavailable):
        await first
    redis_server.thaw()
    [result] = await asyncio.gather(second, return_exceptions=True)
    await until(lambda: broker.ready)
    await broker.publish(TEAM, message("after", time.time()))
    await one.settle()
    # On a machine that is slow to thaw Redis, the second is too late as well.
    published = [] if isinstance(result, Unavailable) else ["second"]
    assert listener.texts() == [*published, "after"]


async def test_a_freeze_that_outlasts_the_connection_is_got_over(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running = await start_backend(drop_seconds=3.0)
    broker = running.broker
    redis_server.freeze()
    first = running.commands.link
    with pytest.raises(Unavailable):
        await broker.publish(TEAM, message("late", time.time()))
    await until(lambda: running.commands.link is not first, 20)  # it may have been half open
    redis_server.thaw()
    await until(lambda: broker.ready, 20)
    assert (await broker.publish(TEAM, message("a", time.time()))).offset == 1


async def test_it_is_no_failure_of_redis_when_this_process_stands_still(
    start_backend: StartBackend,
) -> None:
    running = await start_backend()
    broker = running.broker
    await broker.subscribe(TEAM)
    publishing = [
        asyncio.create_task(broker.publish(TEAM, message(str(n), time.time()))) for n in range(3)
    ]
    for _turn in range(2):  # they are sent at the end of the first
        await asyncio.sleep(0)
    link = running.subscriptions.link
    time.sleep(3.5)  # noqa: ASYNC251
    await asyncio.gather(*publishing)
    assert broker.ready
    # Redis's clock isn't misread because the answer was read late.
    for n in range(3):
        await broker.publish(TEAM, message(str(n), time.time()))
        await asyncio.sleep(0.1)
    assert running.subscriptions.link is link


async def test_a_connection_that_is_cut_refuses_what_was_waiting(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running = await start_backend()
    redis_server.freeze()
    publishing = [
        asyncio.create_task(running.broker.publish(TEAM, message(str(n), time.time())))
        for n in range(50)
    ]
    await asyncio.sleep(0.05)
    running.commands.drop()
    # What is sent before the loss has been noticed is refused too; nothing raises anything else.
    publishing += [
        asyncio.create_task(running.broker.publish(TEAM, message("x", time.time())))
        for n in range(50)
    ]
    results = await asyncio.gather(*publishing, return_exceptions=True)
    assert {type(result) for result in results} == {Unavailable}
    redis_server.thaw()


async def test_what_is_too_large_for_redis_never_goes_there(start_backend: StartBackend) -> None:
    broker = (await start_backend()).broker
    with pytest.raises(TooLarge):
        await broker.publish(TEAM, message("x" * MAX_RECORD_BYTES, time.time()))
    assert (await broker.publish(TEAM, message("x" * 2_000_000, time.time()))).offset == 1


async def test_who_gives_up_waiting_does_not_disturb_others(start_backend: StartBackend) -> None:
    broker = (await start_backend()).broker
    tasks = [
        asyncio.create_task(broker.publish(TEAM, message(str(n), time.time()))) for n in range(20)
    ]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    receipts = await asyncio.gather(*tasks[1::2])
    offsets = [receipt.offset or 0 for receipt in receipts]
    assert offsets == sorted(offsets)
    assert (await broker.publish(TEAM, message("last", time.time()))).offset == 21
