"""Fixtures of the suites: a broker, its clock, and a listener that it calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from app.broker.contract import Broker
from app.core.channel import Channel
from app.core.history import HistoryOptions
from tests.support.clock import SettableClock
from tests.support.listener import Listener
from tests.support.messages import TEAM, message

Publish = Callable[..., Awaitable[None]]
MakeBroker = Callable[[HistoryOptions], Awaitable[Broker]]

SIZE, SECONDS = 5, 3600.0


class BrokerFixtures:
    """`make_broker` returns a broker that is started with `listener`, and whose time is `clock`'s;
    it may be called once a test."""

    @pytest.fixture
    def clock(self) -> SettableClock:
        return SettableClock()

    @pytest.fixture
    def listener(self) -> Listener:
        return Listener()

    @pytest.fixture
    async def make_broker(self, clock: SettableClock, listener: Listener) -> MakeBroker:
        raise NotImplementedError

    @pytest.fixture
    async def broker(self, make_broker: MakeBroker) -> Broker:
        """One that keeps 5 messages for an hour."""
        return await make_broker(HistoryOptions(SIZE, SECONDS))

    @pytest.fixture
    def publish(self, broker: Broker, clock: SettableClock) -> Publish:
        """Return a function that publishes texts into a channel, one after the other."""

        async def publish_texts(*texts: str, channel: Channel = TEAM) -> None:
            for text in texts:
                await broker.publish(channel, message(text, clock()))

        return publish_texts
