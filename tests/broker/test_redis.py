"""The Redis broker keeps the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.broker.redis import RedisBroker
from app.core.errors import Unavailable
from tests.broker.contract import BrokerContract, MakeBroker
from tests.support.brokers import RunningBroker
from tests.support.clock import SettableClock
from tests.support.listener import Listener
from tests.support.messages import TEAM, message
from tests.support.redis import RedisServer


class TestRedisBroker(BrokerContract):
    @pytest.fixture
    async def make_broker(
        self, clock: SettableClock, redis_server: RedisServer
    ) -> AsyncIterator[MakeBroker]:
        running: list[RunningBroker] = []

        async def make(history_size: int, history_seconds: float) -> RedisBroker:
            one = await RunningBroker.start(redis_server.url, history_size, history_seconds, clock)
            running.append(one)
            return one.broker

        yield make
        for one in running:
            await one.close()


async def test_what_is_begun_comes_in_that_order(redis_server: RedisServer) -> None:
    running = await RunningBroker.start(redis_server.url)
    listener = Listener(running.broker)
    await running.broker.subscribe(TEAM)
    begun = [running.broker.publish_nowait(TEAM, message(str(n), n)) for n in range(50)]
    head = (await running.broker.recover(TEAM, None, None)).position
    assert [one.result().offset for one in begun] == list(range(1, 51))
    assert head.offset == 50
    await listener.settle()
    assert listener.texts() == [str(n) for n in range(50)]
    await running.close()


async def test_what_was_begun_when_scripts_were_forgotten_is_not_overtaken(
    redis_server: RedisServer,
) -> None:
    running = await RunningBroker.start(redis_server.url)
    broker = running.broker
    assert (await broker.publish_nowait(TEAM, message("first", 0))).offset == 1
    await running.commands.send("SCRIPT", "FLUSH")
    begun = [broker.publish_nowait(TEAM, message("refused", n)) for n in range(3)]
    for one in begun:
        with pytest.raises(Unavailable):
            await one
    assert (await broker.publish_nowait(TEAM, message("second", 4))).offset == 2
    await running.close()
