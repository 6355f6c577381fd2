"""What every broker promises to who subscribes and reads."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson

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

    # Answers of a bounded size

    async def test_a_recovery_is_bounded_and_says_what_follows(
        self, broker: Broker, publish: Publish
    ) -> None:
        beginning = (await broker.recover(TEAM, None, None)).position
        await publish("a", "b", "c", "d", "e")
        size = len((await broker.history(TEAM, None, 1)).publications[0].body)
        read: list[str] = []
        position, following = beginning, 5
        while following:
            part = await broker.recover(TEAM, position, None, 9 * size // 4)
            assert (part.recovered, part.following) == (True, max(0, following - 2))
            read += texts_of(part.publications)
            position, following = part.position, part.following
        assert read == ["a", "b", "c", "d", "e"]
        assert position == Position(5, beginning.epoch)

    async def test_the_newest_are_bounded_from_the_oldest_of_them(
        self, broker: Broker, publish: Publish
    ) -> None:
        await publish("a", "b", "c", "d")
        recovery = await broker.recover(TEAM, None, 3, 1)
        assert (texts_of(recovery.publications), recovery.following) == (["b"], 2)
        assert (recovery.recovered, recovery.position.offset) == (False, 2)
        lost = await broker.recover(TEAM, Position(1, "another"), None, 1)
        assert (texts_of(lost.publications), lost.following) == (["a"], 3)

    async def test_a_page_is_bounded_from_its_newest(
        self, broker: Broker, publish: Publish
    ) -> None:
        await publish("a", "b", "c", "d")
        size = len((await broker.history(TEAM, None, 1)).publications[0].body)
        page = await broker.history(TEAM, 4, 10, 9 * size // 4)
        assert (texts_of(page.publications), page.more) == (["b", "c"], True)
        page = await broker.history(TEAM, 2, 10, 1)
        assert (texts_of(page.publications), page.more) == (["a"], False)

    # Compaction

    async def test_the_newest_with_a_key_stands_for_the_older_ones(
        self, broker: Broker, publish: Publish, clock: SettableClock
    ) -> None:
        beginning = (await broker.recover(TEAM, None, None)).position

        async def flap(text: str) -> None:
            await broker.publish(TEAM, replace(message(text, clock()), compaction_key="agent:7"))

        await publish("a", "b")
        for number in range(2 * SIZE):
            await flap(f"joined {number}")
            await flap(f"left {number}")
        await publish("c")
        newest = 4 * SIZE + 3
        last = f"left {2 * SIZE - 1}"
        whole = await broker.recover(TEAM, beginning, None)
        assert (whole.recovered, texts_of(whole.publications)) == (True, ["a", "b", last, "c"])
        assert [(one.offset, one.prev) for one in whole.publications] == [
            *((1, None), (2, None), (newest - 1, 2), (newest, None))
        ]
        envelopes = [orjson.loads(one.body) for one in whole.publications]
        assert [one.get("prev") for one in envelopes] == [None, None, 2, None]
        # Who has seen some of those that are gone is told what stands for them.
        between = await broker.recover(TEAM, Position(7, beginning.epoch), None)
        assert (between.recovered, texts_of(between.publications)) == (True, [last, "c"])
        assert [one.prev for one in between.publications] == [7, None]
        page = await broker.history(TEAM, None, 3)
        assert (texts_of(page.publications), page.more) == (["b", last, "c"], True)
        assert [one.prev for one in page.publications] == [None, 2, None]
        part = await broker.recover(TEAM, beginning, None, 1)
        assert (part.position.offset, part.following) == (1, 3)
        newest_two = await broker.recover(TEAM, None, 2, 1)
        assert (texts_of(newest_two.publications), newest_two.following) == ([last], 1)

    async def test_keys_are_told_apart_and_forgotten_with_their_messages(
        self, broker: Broker, publish: Publish, clock: SettableClock
    ) -> None:
        for text, key in (("7 in", "7"), ("8 in", "8"), ("7 out", "7")):
            await broker.publish(TEAM, replace(message(text, clock()), compaction_key=key))
        page = await broker.history(TEAM, None, 10)
        assert texts_of(page.publications) == ["8 in", "7 out"]
        await publish(*map(str, range(70)))
        position = (await broker.recover(TEAM, None, None)).position
        await broker.publish(TEAM, replace(message("7 in", clock()), compaction_key="7"))
        recovery = await broker.recover(TEAM, position, None)
        assert (recovery.recovered, texts_of(recovery.publications)) == (True, ["7 in"])
        assert recovery.publications[0].prev is None

    async def test_what_was_trimmed_is_missing_although_something_was_compacted(
        self, broker: Broker, publish: Publish, clock: SettableClock
    ) -> None:
        beginning = (await broker.recover(TEAM, None, None)).position
        for text in ("in", "out"):
            await broker.publish(TEAM, replace(message(text, clock()), compaction_key="7"))
        await publish(*map(str, range(SIZE - 1)))
        assert (await broker.recover(TEAM, beginning, None)).recovered is True
        await publish("one more")
        assert (await broker.recover(TEAM, beginning, None)).recovered is False
        assert (await broker.recover(TEAM, Position(2, beginning.epoch), None)).recovered is True

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
