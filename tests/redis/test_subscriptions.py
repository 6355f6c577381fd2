"""What is published reaches members once and in order while connections are killed, overflow or
are half open (docs/protocol.md, promise 2)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from app.broker.redis import RedisBroker
from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.message import Publication
from app.hub.hub import Hub
from app.redis.canary import CanaryTimes
from tests.fixtures.redis import StartBackend
from tests.support.listener import Listener
from tests.support.members import RecordingFanOut, new_member
from tests.support.messages import OTHER, TEAM, message, somebody, texts_of
from tests.support.proxy import Proxy
from tests.support.ready import until
from tests.support.redis import RedisServer

BOB = somebody("bob", "user", "circles:*:r")


@asynccontextmanager
async def publishing(broker: RedisBroker, channel: Channel = TEAM) -> AsyncIterator[list[str]]:
    """Publish numbers until the block ends; yield those that were acked."""
    acked: list[str] = []

    async def publish() -> None:
        number = 0
        while True:
            number += 1
            key = f"nonce {number}"
            while True:  # as clients do
                try:
                    sent = message(str(number), time.time(), nonce_key=key)
                    await broker.publish(channel, sent)
                    break
                except Unavailable:
                    await asyncio.sleep(0.01)
            acked.append(str(number))
            await asyncio.sleep(0.001)

    task = asyncio.create_task(publish())
    try:
        yield acked
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("killed", [["pubsub"], ["normal"], ["pubsub", "normal"]])
async def test_killed_connections_lose_and_double_nothing(
    start_backend: StartBackend, redis_server: RedisServer, killed: list[str]
) -> None:
    here, there = await start_backend(), await start_backend()
    receiver, publisher, listener = here.broker, there.broker, here.listener
    await receiver.subscribe(TEAM)
    async with publishing(publisher) as acked:
        for _ in range(6):
            some = len(acked) + 30
            await until(lambda some=some: len(acked) >= some)  # type: ignore[misc]
            for kind in killed:
                redis_server.ask("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        await until(lambda: receiver.ready and publisher.ready)
        some = len(acked) + 5
        await until(lambda: len(acked) >= some)
    await until(lambda: listener.texts()[: len(acked)] == acked)
    assert listener.texts() == [str(n) for n in range(1, len(listener.received) + 1)]


async def test_joins_while_connections_are_killed_see_neither_gap_nor_overlap(
    shared_hub: Hub,
    fanout: RecordingFanOut,
    start_backend: StartBackend,
    redis_server: RedisServer,
) -> None:
    publisher = (await start_backend()).broker
    memberships = shared_hub.memberships
    answered: dict[str, int] = {}

    async def join(sid: str) -> None:
        member = new_member(sid, "/circles", BOB)
        while True:
            try:
                async with memberships.joining(member, TEAM, None, None) as joined:
                    fanout.inbox[sid].clear()
                    answered[sid] = joined.recovery.position.offset
                return
            except Unavailable:
                await asyncio.sleep(0.01)

    async with publishing(publisher) as acked:
        await until(lambda: len(acked) >= 5)
        for number in range(12):
            joining = asyncio.create_task(join(f"s{number}"))
            await asyncio.sleep(0.002 * (number % 3))
            redis_server.ask("CLIENT", "KILL", "TYPE", "pubsub")
            await joining
        some = len(acked) + 5
        await until(lambda: len(acked) >= some)
    head = (await publisher.recover(TEAM, None, None)).position.offset
    for sid, offset in answered.items():
        await until(lambda sid=sid: len(fanout.inbox[sid]) >= head - answered[sid])  # type: ignore[misc]
        assert [one.offset for one in fanout.inbox[sid]] == list(range(offset + 1, head + 1))


async def test_a_process_that_read_too_slowly_makes_up_for_it(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    redis_server.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 100kb 100kb 1")
    receiver, publisher = await start_backend(), (await start_backend()).broker
    listener = receiver.listener
    await receiver.broker.subscribe(TEAM)
    link = receiver.subscriptions.link
    assert link is not None
    link._transport.pause_reading()  # as a process does that is stopped for a while
    filler = "x" * 100_000
    for number in range(200):
        await publisher.publish(TEAM, message(f"{number} {filler}", time.time()))
    link._transport.resume_reading()
    await until(lambda: len(listener.received) == 200)
    assert [text.split()[0] for text in listener.texts()] == [str(n) for n in range(200)]
    assert receiver.subscriptions.link is not link


async def test_a_half_open_connection_is_noticed_and_replaced(
    start_backend: StartBackend, proxy: Proxy, redis_server: RedisServer
) -> None:
    times = CanaryTimes(interval=0.2, lost=1.0, drop=2.0)
    receiver = await start_backend(proxy.url, canary_times=times)
    publisher = (await start_backend()).broker
    listener = receiver.listener
    await receiver.broker.subscribe(TEAM)
    await publisher.publish(TEAM, message("before", time.time()))
    await receiver.settle()
    with capture_logs() as logs:
        proxy.stall()
        await publisher.publish(TEAM, message("meanwhile", time.time()))
        await until(lambda: not receiver.broker.ready)
        await until(lambda: receiver.broker.ready, 30)
    (line,) = [line for line in logs if line["event"] == "nothing comes back from Redis"]
    assert line["since"].endswith("Z")
    await until(lambda: len(listener.received) == 2)
    await publisher.publish(TEAM, message("after", time.time()))
    await until(lambda: listener.texts() == ["before", "meanwhile", "after"])


async def test_what_got_lost_without_a_lost_connection_is_found_by_the_canary(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    receiver, publisher = await start_backend(), (await start_backend()).broker
    listener = receiver.listener
    await receiver.broker.subscribe(TEAM)
    link = receiver.subscriptions.link
    assert link is not None
    # A subscriber of a demoted master: for a while it receives nothing.
    receive, link._on_reply = link._on_reply, lambda reply: None
    await publisher.publish(TEAM, message("a", time.time()))
    sent = receiver.broker._canary._sent
    await until(lambda: receiver.broker._canary._sent > sent)
    await asyncio.sleep(0.1)
    link._on_reply = receive
    await until(lambda: listener.texts() == ["a"])
    assert receiver.subscriptions.link is link


async def test_subscribing_and_unsubscribing_quickly(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    one = await start_backend()
    broker, listener = one.broker, one.listener
    for round_ in range(30):
        subscribing = asyncio.create_task(broker.subscribe(TEAM))
        await asyncio.sleep(0.0005 * (round_ % 4))
        await broker.unsubscribe(TEAM)
        if round_ % 7 == 0:
            redis_server.ask("CLIENT", "KILL", "TYPE", "pubsub")
        await asyncio.gather(subscribing, return_exceptions=True)
    for _attempt in range(100):
        try:
            await broker.subscribe(TEAM)
            break
        except Unavailable:
            await asyncio.sleep(0.05)
    listener.received.clear()
    await broker.publish(TEAM, message("a", time.time()))
    await until(lambda: listener.texts() == ["a"])
    await broker.unsubscribe(TEAM)
    await until(
        lambda: redis_server.ask("PUBSUB", "NUMSUB", "hearth:{/circles:dev-team}:live")[1] == 0
    )


async def test_a_subscription_that_failed_leaves_nothing_behind(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running = await start_backend()
    redis_server.stop()
    await until(lambda: not running.broker.ready)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await running.broker.subscribe(TEAM)
    assert list(running.broker._feeds) == []
    assert list(running.subscriptions._handlers) == [running.keys.canary(running.process).encode()]
    redis_server.start()
    await until(lambda: running.broker.ready)
    await running.broker.subscribe(TEAM)


class FailingListener(Listener):
    def on_publication(self, channel: Channel, publication: Publication) -> None:
        if channel == OTHER:
            raise RuntimeError("a defect")
        super().on_publication(channel, publication)


async def test_a_receiver_that_fails_is_logged_and_goes_on(
    start_backend: StartBackend,
) -> None:
    listener = FailingListener()
    broker = (await start_backend(listener=listener)).broker
    await broker.subscribe(TEAM)
    await broker.subscribe(OTHER)
    with capture_logs() as logs:
        for channel in (OTHER, TEAM):
            await broker.publish(channel, message("a", time.time()))
        await until(lambda: listener.texts() == ["a"])
    assert [line["event"] for line in logs] == ["could not handle a published message"]


async def test_many_channels_are_subscribed_again(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running = await start_backend()
    listener = running.listener
    channels = [Channel("/circles", f"c{number}") for number in range(1200)]
    for at in range(0, 1200, 100):
        await asyncio.gather(*(running.broker.subscribe(one) for one in channels[at : at + 100]))
    link = running.subscriptions.link
    redis_server.ask("CLIENT", "KILL", "TYPE", "pubsub")
    await until(lambda: running.subscriptions.link not in (None, link))
    await until(lambda: all(feed.caught_up for feed in running.broker._feeds._feeds.values()))
    await running.broker.publish(channels[-1], message("a", time.time()))
    await until(lambda: texts_of([one for _, one in listener.received]) == ["a"])


async def test_a_lost_connection_is_told_of_before_anything_arrives_on_the_next(
    start_backend: StartBackend, redis: Redis
) -> None:
    subscriptions = (await start_backend()).subscriptions
    events: list[int | str] = []
    subscriptions.listen("numbers", lambda data: events.append(int(data)))
    subscriptions.on_interrupted(lambda: events.append("interrupted"))
    subscriptions.on_regained(lambda: events.append("regained"))
    received: list[bool] = []
    while True not in received:
        received.append(await redis.publish("numbers", len(received)) == 1)
    await redis.client_kill_filter(_type="pubsub")
    while "regained" not in events or events[-1] == "regained":
        received.append(await redis.publish("numbers", len(received)) == 1)
    first_lost = received.index(False, received.index(True))
    first_of_next = received.index(True, first_lost)
    assert events.index("interrupted") < events.index(first_of_next)


async def test_what_was_missed_is_read_in_parts(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    """All at once, everybody's replies would wait for it."""
    here, there = await start_backend(), await start_backend()
    await here.broker.subscribe(TEAM)
    assert here.subscriptions.link is not None
    here.subscriptions.link._transport.pause_reading()
    contents = [f"{number}:" + "x" * 200_000 for number in range(20)]
    for content in contents:
        await there.broker.publish_nowait(TEAM, message(content, time.time()))
    reads: list[int] = []
    read = here.broker._log.recover

    async def recover(*arguments: object) -> object:
        head, recovery = await read(*arguments)  # type: ignore[arg-type]
        reads.append(sum(len(one.body) for one in recovery.publications))
        return head, recovery

    here.broker._log.recover = recover  # type: ignore[method-assign,assignment]
    redis_server.ask("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes")
    here.subscriptions.link._transport.abort()
    await until(lambda: len(here.listener.received) == 20)
    assert here.listener.texts() == contents
    assert max(reads) < 700_000
