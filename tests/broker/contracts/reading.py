"""What every broker promises to who subscribes and reads."""

from __future__ import annotations

import asyncio

from app.broker.contract import Broker
from app.core.channel import Channel
from app.core.history import HistoryOptions, Position
from tests.broker.contracts.fixtures import SECONDS, SIZE, BrokerFixtures, MakeBroker, Publish
from tests.support.clock import SettableClock
from tests.support.listener import Listener, settle
from tests.support.messages import OTHER, TEAM, message, texts_of


class ReadingContract(BrokerFixtures):
    """Tests of subscriptions, history and recovery."""

    # Receiving

    async def test_what_is_published_is_received_once_in_order(
        self, broker: Broker, listener: Listener, publish: Publish
    ) -> None:
        await broker.subscribe(TEAM)
        await publish("a", "b", "c")
        await settle(broker)
        assert listener.texts() == ["a", "b", "c"]
        assert [one.offset for _, one in listener.received] == [1, 2, 3]

    async def test_subscribing_twice_is_receiving_once(
        self, broker: Broker, listener: Listener, publish: Publish
    ) -> None:
        await broker.subscribe(TEAM)
        await broker.subscribe(TEAM)
        await publish("a")
        await settle(broker)
        assert listener.texts() == ["a"]

    async def test_only_subscribed_channels_are_received(
        self, broker: Broker, listener: Listener, publish: Publish
    ) -> None:
        await publish("before")
        await broker.subscribe(TEAM)
        await publish("elsewhere", channel=OTHER)
        await publish("a")
        await settle(broker)
        await broker.unsubscribe(TEAM)
        await publish("after")
        await settle(broker)
        assert [(channel, *texts_of([one])) for channel, one in listener.received] == [(TEAM, "a")]

    async def test_what_is_received_is_what_history_has(
        self, broker: Broker, listener: Listener, publish: Publish
    ) -> None:
        await broker.subscribe(TEAM)
        await publish("a", "b")
        page = await broker.history(TEAM, None, 10)
        await settle(broker)
        assert [one for _, one in listener.received] == page.publications

    async def test_what_is_not_kept_is_received_in_its_turn(
        self, broker: Broker, listener: Listener, clock: SettableClock
    ) -> None:
        await broker.subscribe(TEAM)
        for text, kept in (("a", True), ("b", False), ("c", True)):
            await broker.publish(TEAM, message(text, clock(), kept=kept))
        await settle(broker)
        assert listener.texts() == ["a", "b", "c"]

    # History and recovery

    async def test_recovery_is_what_was_missed(self, broker: Broker, publish: Publish) -> None:
        await publish("a", "b")
        position = (await broker.recover(TEAM, None, None)).position
        assert position.offset == 2
        await publish("c", "d")
        recovery = await broker.recover(TEAM, position, None)
        assert (recovery.recovered, texts_of(recovery.publications)) == (True, ["c", "d"])
        assert recovery.position == Position(4, position.epoch)

    async def test_a_position_of_another_epoch_is_not_recovered(
        self, broker: Broker, publish: Publish
    ) -> None:
        await publish("a", "b", "c")
        recovery = await broker.recover(TEAM, Position(1, "another"), 2)
        assert (recovery.recovered, texts_of(recovery.publications)) == (False, ["b", "c"])

    async def test_joining_without_since_gets_the_newest(
        self, broker: Broker, publish: Publish
    ) -> None:
        await publish("a", "b", "c")
        assert (await broker.recover(TEAM, None, None)).publications == []
        assert texts_of((await broker.recover(TEAM, None, 2)).publications) == ["b", "c"]

    async def test_history_is_trimmed_by_size(self, broker: Broker, publish: Publish) -> None:
        await publish("a")
        first = (await broker.recover(TEAM, None, None)).position
        await publish("b", "c", "d", "e", "f")
        assert (await broker.recover(TEAM, first, None)).recovered is True
        await publish("g")
        lost = await broker.recover(TEAM, first, None)
        assert (lost.recovered, texts_of(lost.publications)) == (False, ["c", "d", "e", "f", "g"])

    async def test_history_is_trimmed_by_age(
        self, broker: Broker, publish: Publish, clock: SettableClock
    ) -> None:
        await publish("a")
        clock.advance(SECONDS - 1)
        await publish("b")
        assert texts_of((await broker.history(TEAM, None, 10)).publications) == ["a", "b"]
        clock.advance(2)
        page = await broker.history(TEAM, None, 10)
        assert texts_of(page.publications) == ["b"]
        assert (page.position.offset, page.more) == (2, False)

    async def test_aged_history_is_not_recovered(
        self, broker: Broker, publish: Publish, clock: SettableClock
    ) -> None:
        beginning = (await broker.recover(TEAM, None, None)).position
        await publish("a")
        clock.advance(SECONDS + 1)
        await publish("b")
        recovery = await broker.recover(TEAM, beginning, None)
        assert (recovery.recovered, texts_of(recovery.publications)) == (False, ["b"])

    async def test_history_size_0_keeps_nothing(
        self, make_broker: MakeBroker, clock: SettableClock
    ) -> None:
        broker = await make_broker(HistoryOptions(0, SECONDS))
        receipt = await broker.publish(TEAM, message("a", clock()))
        assert receipt.offset == 1
        page = await broker.history(TEAM, None, 10)
        assert (page.publications, page.position.offset, page.more) == ([], 1, False)

    async def test_history_seconds_0_sets_no_age(
        self, make_broker: MakeBroker, clock: SettableClock
    ) -> None:
        broker = await make_broker(HistoryOptions(SIZE, 0))
        await broker.publish(TEAM, message("a", clock()))
        clock.advance(1e9)
        assert texts_of((await broker.history(TEAM, None, 10)).publications) == ["a"]

    async def test_pages_walk_backwards(self, broker: Broker, publish: Publish) -> None:
        await publish("a", "b", "c", "d", "e", "f")
        pages = [await broker.history(TEAM, before, 2) for before in (None, 5, 3)]
        assert [texts_of(page.publications) for page in pages] == [["e", "f"], ["c", "d"], ["b"]]
        assert [page.more for page in pages] == [True, True, False]

    async def test_a_channel_nobody_used_is_empty(self, broker: Broker) -> None:
        page = await broker.history(TEAM, None, 10)
        assert (page.publications, page.position.offset, page.more) == ([], 0, False)

    # Channels

    async def test_the_channels_of_a_namespace_are_those_subscribed_to(
        self, broker: Broker, publish: Publish
    ) -> None:
        feed = Channel("/feeds", "codeworm:logs")
        for channel in (TEAM, feed):
            await broker.subscribe(channel)
        await publish("a", channel=OTHER)
        assert await broker.channels("/circles") == [TEAM]
        assert await broker.channels("/feeds") == [feed]
        await broker.unsubscribe(TEAM)
        async with asyncio.timeout(30):
            while await broker.channels("/circles"):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
