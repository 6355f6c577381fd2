"""What every broker promises to who publishes."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from app.broker.contract import Broker, Published
from app.core.channel import Channel
from tests.broker.contracts.fixtures import BrokerFixtures
from tests.support.clock import SettableClock
from tests.support.listener import Listener, settle
from tests.support.messages import OTHER, TEAM, message, texts_of


class PublishingContract(BrokerFixtures):
    """Tests of order, of several messages as one step, and of nonces."""

    # Order

    async def test_offsets_are_1_2_3_in_each_channel(
        self, broker: Broker, clock: SettableClock
    ) -> None:
        for number in range(1, 8):
            for channel in (TEAM, OTHER):
                receipt = await broker.publish(channel, message("a", clock()))
                assert receipt.offset == number
                assert receipt.duplicate is False
                (newest,) = (await broker.history(channel, None, 1)).publications
                assert (newest.offset, orjson.loads(newest.body)["offset"]) == (number, number)

    async def test_a_type_that_is_not_kept_takes_no_offset(
        self, broker: Broker, listener: Listener, clock: SettableClock
    ) -> None:
        await broker.subscribe(TEAM)
        await broker.publish(TEAM, message("a", clock()))
        passing = await broker.publish(TEAM, message("b", clock(), kept=False))
        assert passing.offset is None
        kept = await broker.publish(TEAM, message("c", clock()))
        assert kept.offset == 2
        page = await broker.history(TEAM, None, 10)
        assert texts_of(page.publications) == ["a", "c"]
        await settle(broker)
        assert "offset" not in orjson.loads(listener.received[1][1].body)

    async def test_a_channel_stays_in_its_epoch(self, broker: Broker, clock: SettableClock) -> None:
        first = await broker.publish(TEAM, message("a", clock()))
        second = await broker.publish(TEAM, message("b", clock()))
        recovery = await broker.recover(TEAM, None, None)
        assert first.epoch == second.epoch == recovery.position.epoch

    async def test_two_channels_have_two_epochs(self, broker: Broker, clock: SettableClock) -> None:
        one = await broker.publish(TEAM, message("a", clock()))
        other = await broker.publish(OTHER, message("a", clock()))
        assert one.epoch != other.epoch

    # Several as one step

    async def test_several_are_published_in_their_order(
        self, broker: Broker, listener: Listener, clock: SettableClock
    ) -> None:
        for channel in (TEAM, OTHER):
            await broker.subscribe(channel)
        first = await broker.publish(TEAM, message("first", clock()))
        targets = [(TEAM, "a"), (OTHER, "b"), (TEAM, "c")]
        published = await broker.publish_all(
            [(channel, message(text, clock())) for channel, text in targets]
        )
        assert [receipt.offset for receipt in published.receipts] == [2, 1, 3]
        assert [receipt.epoch == first.epoch for receipt in published.receipts] == [
            *(True, False, True)
        ]
        for channel in (TEAM, OTHER):
            await settle(broker, channel)
        assert (listener.texts(TEAM), listener.texts(OTHER)) == (["first", "a", "c"], ["b"])
        by_sequence = sorted((one for _, one in listener.received), key=lambda one: one.sequence)
        assert texts_of(by_sequence) == ["first", "a", "b", "c"]

    async def test_each_of_several_has_its_own_nonce(
        self, broker: Broker, clock: SettableClock
    ) -> None:
        first = await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
        published = await broker.publish_all(
            [(channel, message("again", clock(), nonce_key="alice 1")) for channel in (TEAM, OTHER)]
        )
        assert published.receipts[0] == replace(first, duplicate=True)
        assert published.receipts[1].duplicate is False
        assert texts_of((await broker.history(TEAM, None, 10)).publications) == ["a"]
        assert texts_of((await broker.history(OTHER, None, 10)).publications) == ["again"]

    async def test_nothing_may_be_published_too(self, broker: Broker) -> None:
        assert await broker.publish_all([]) == Published([])

    # Nonces

    async def test_a_repeated_nonce_publishes_nothing(
        self, broker: Broker, listener: Listener, clock: SettableClock
    ) -> None:
        await broker.subscribe(TEAM)
        first = await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
        await broker.publish(TEAM, message("b", clock()))
        clock.advance(299)
        again = await broker.publish(TEAM, message("a again", clock(), nonce_key="alice 1"))
        assert again == replace(first, duplicate=True)
        await settle(broker)
        assert listener.texts() == ["a", "b"]
        assert texts_of((await broker.history(TEAM, None, 10)).publications) == ["a", "b"]

    async def test_a_nonce_is_forgotten_after_300_seconds(
        self, broker: Broker, clock: SettableClock
    ) -> None:
        await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
        clock.advance(301)
        again = await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
        assert (again.duplicate, again.offset) == (False, 2)
        third = await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
        assert (third.duplicate, third.offset) == (True, 2)

    async def test_a_repeat_does_not_renew_the_nonce(
        self, broker: Broker, clock: SettableClock
    ) -> None:
        await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
        clock.advance(200)
        await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
        clock.advance(101)
        again = await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
        assert again.duplicate is False

    @pytest.mark.parametrize(("channel", "key"), [(OTHER, "alice 1"), (TEAM, "bob 1")])
    async def test_a_nonce_is_of_one_channel_and_one_publisher(
        self, broker: Broker, clock: SettableClock, channel: Channel, key: str
    ) -> None:
        await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
        other = await broker.publish(channel, message("b", clock(), nonce_key=key))
        assert other.duplicate is False

    async def test_a_repeat_of_what_is_not_kept_is_a_duplicate_too(
        self, broker: Broker, listener: Listener, clock: SettableClock
    ) -> None:
        await broker.subscribe(TEAM)
        for _ in range(2):
            receipt = await broker.publish(
                TEAM, message("a", clock(), kept=False, nonce_key="alice 1")
            )
        assert (receipt.duplicate, receipt.offset) == (True, None)
        await settle(broker)
        assert listener.texts() == ["a"]
