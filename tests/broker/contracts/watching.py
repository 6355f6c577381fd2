"""What every broker promises to who watches a namespace."""

from __future__ import annotations

import pytest

from app.broker.contract import Broker
from app.core.channel import Channel
from app.core.message import Publication
from tests.broker.contracts.fixtures import BrokerFixtures, Publish
from tests.support.clock import SettableClock
from tests.support.listener import Listener
from tests.support.messages import OTHER, TEAM, message, texts_of
from tests.support.ready import until

AGENT = Channel("/agents", "dev-team")


class WatchingContract(BrokerFixtures):
    """Tests of `watch`; all of `TEAM` and `OTHER` is in one namespace."""

    @pytest.fixture
    def watched(self) -> list[tuple[Channel, Publication]]:
        """What was received by watching."""
        return []

    async def watch(self, broker: Broker, watched: list[tuple[Channel, Publication]]) -> None:
        await broker.watch(
            TEAM.namespace, lambda channel, publication: watched.append((channel, publication))
        )

    async def test_all_channels_of_a_namespace_are_watched_in_order(
        self, broker: Broker, publish: Publish, watched: list[tuple[Channel, Publication]]
    ) -> None:
        await publish("before")
        await self.watch(broker, watched)
        await publish("elsewhere", channel=AGENT)
        await publish("a")
        await publish("b", channel=OTHER)
        await publish("c")
        await until(lambda: len(watched) >= 3)
        assert [(channel, *texts_of([one])) for channel, one in watched] == [
            (TEAM, "a"),
            (OTHER, "b"),
            (TEAM, "c"),
        ]
        assert [one.offset for _channel, one in watched] == [2, 1, 3]
        sequences = [one.sequence for _channel, one in watched]
        assert sequences == sorted(set(sequences))

    async def test_what_is_not_kept_is_watched_too(
        self, broker: Broker, clock: SettableClock, watched: list[tuple[Channel, Publication]]
    ) -> None:
        await self.watch(broker, watched)
        await broker.publish(TEAM, message("typing", clock(), kept=False))
        await until(lambda: bool(watched))
        assert watched[0][1].offset is None

    async def test_watching_and_subscribing_are_apart(
        self,
        broker: Broker,
        listener: Listener,
        publish: Publish,
        watched: list[tuple[Channel, Publication]],
    ) -> None:
        await self.watch(broker, watched)
        await broker.subscribe(TEAM)
        await publish("a")
        await publish("b", channel=OTHER)
        await until(lambda: len(watched) >= 2)
        assert listener.texts() == ["a"]
        assert listener.texts(OTHER) == []
        await broker.unsubscribe(TEAM)
        await publish("c")
        await until(lambda: len(watched) >= 3)
        assert listener.texts() == ["a"]

    async def test_nothing_comes_after_unwatch(
        self,
        broker: Broker,
        listener: Listener,
        publish: Publish,
        watched: list[tuple[Channel, Publication]],
    ) -> None:
        await self.watch(broker, watched)
        await broker.unwatch(TEAM.namespace)
        await broker.unwatch(TEAM.namespace)
        await broker.subscribe(TEAM)
        await publish("a")
        await until(lambda: listener.texts() == ["a"])
        assert watched == []
