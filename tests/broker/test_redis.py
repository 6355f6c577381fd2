"""The Redis broker keeps the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.broker.redis import RedisBroker
from tests.broker.contract import BrokerContract, MakeBroker
from tests.support.brokers import RunningBroker
from tests.support.clock import SettableClock
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
