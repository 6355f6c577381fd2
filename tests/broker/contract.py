"""What every broker promises. A test module holds one to it so:

    class TestMyBroker(BrokerContract):
        @pytest.fixture
        async def make_broker(self, clock): ...

`make_broker(history_size, history_seconds)` returns a started broker whose time is `clock`'s; it
may be called once a test.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import orjson
import pytest

from app.broker.base import Broker
from app.core.channel import Channel
from app.core.history import Position
from tests.support.clock import SettableClock
from tests.support.listener import Listener
from tests.support.messages import OTHER, TEAM, message, somebody, texts_of

Publish = Callable[..., Awaitable[None]]
MakeBroker = Callable[[int, float], Awaitable[Broker]]

ALICE, BOB = somebody("alice"), somebody("bob")
SIZE, SECONDS = 5, 3600.0


class BrokerContract:
    """Tests of one implementation."""

    @pytest.fixture
    def clock(self) -> SettableClock:
        return SettableClock()

    @pytest.fixture
    async def make_broker(self, clock: SettableClock) -> MakeBroker:
        raise NotImplementedError

    @pytest.fixture
    async def broker(self, make_broker: MakeBroker) -> Broker:
        """One that keeps 5 messages for an hour."""
        return await make_broker(SIZE, SECONDS)

    @pytest.fixture
    def publish(self, broker: Broker, clock: SettableClock) -> Publish:
        """Return a function that publishes texts into a channel, one after the other."""

        async def publish_texts(*texts: str, channel: Channel = TEAM) -> None:
            for text in texts:
                await broker.publish(channel, message(text, clock()))

        return publish_texts

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
        self, broker: Broker, clock: SettableClock
    ) -> None:
        listener = Listener(broker)
        await broker.subscribe(TEAM)
        await broker.publish(TEAM, message("a", clock()))
        passing = await broker.publish(TEAM, message("b", clock(), kept=False))
        assert passing.offset is None
        kept = await broker.publish(TEAM, message("c", clock()))
        assert kept.offset == 2
        page = await broker.history(TEAM, None, 10)
        assert texts_of(page.publications) == ["a", "c"]
        await listener.settle()
        assert "offset" not in orjson.loads(listener.received[1][1].body)

    async def test_one_life_of_a_channel_has_one_epoch(
        self, broker: Broker, clock: SettableClock
    ) -> None:
        first = await broker.publish(TEAM, message("a", clock()))
        second = await broker.publish(TEAM, message("b", clock()))
        recovery = await broker.recover(TEAM, None, None)
        assert first.epoch == second.epoch == recovery.position.epoch

    async def test_two_channels_have_two_epochs(self, broker: Broker, clock: SettableClock) -> None:
        one = await broker.publish(TEAM, message("a", clock()))
        other = await broker.publish(OTHER, message("a", clock()))
        assert one.epoch != other.epoch

    # Idempotency

    async def test_a_repeated_nonce_publishes_nothing(
        self, broker: Broker, clock: SettableClock
    ) -> None:
        listener = Listener(broker)
        await broker.subscribe(TEAM)
        first = await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
        await broker.publish(TEAM, message("b", clock()))
        clock.advance(299)
        again = await broker.publish(TEAM, message("a again", clock(), nonce_key="alice 1"))
        assert again == replace(first, duplicate=True)
        await listener.settle()
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
        self, broker: Broker, clock: SettableClock
    ) -> None:
        listener = Listener(broker)
        await broker.subscribe(TEAM)
        for _ in range(2):
            receipt = await broker.publish(
                TEAM, message("a", clock(), kept=False, nonce_key="alice 1")
            )
        assert (receipt.duplicate, receipt.offset) == (True, None)
        await listener.settle()
        assert listener.texts() == ["a"]

    # Receiving

    async def test_what_is_published_is_received_once_in_order(
        self, broker: Broker, publish: Publish
    ) -> None:
        listener = Listener(broker)
        await broker.subscribe(TEAM)
        await publish("a", "b", "c")
        await listener.settle()
        assert listener.texts() == ["a", "b", "c"]
        assert [one.offset for _, one in listener.received] == [1, 2, 3]

    async def test_subscribing_twice_is_receiving_once(
        self, broker: Broker, publish: Publish
    ) -> None:
        listener = Listener(broker)
        await broker.subscribe(TEAM)
        await broker.subscribe(TEAM)
        await publish("a")
        await listener.settle()
        assert listener.texts() == ["a"]

    async def test_only_subscribed_channels_are_received(
        self, broker: Broker, publish: Publish
    ) -> None:
        listener = Listener(broker)
        await publish("before")
        await broker.subscribe(TEAM)
        await publish("elsewhere", channel=OTHER)
        await publish("a")
        await listener.settle()
        await broker.unsubscribe(TEAM)
        await publish("after")
        await listener.settle()
        assert [(channel, *texts_of([one])) for channel, one in listener.received] == [(TEAM, "a")]

    async def test_what_is_received_is_what_history_has(
        self, broker: Broker, publish: Publish
    ) -> None:
        listener = Listener(broker)
        await broker.subscribe(TEAM)
        await publish("a", "b")
        page = await broker.history(TEAM, None, 10)
        await listener.settle()
        assert [one for _, one in listener.received] == page.publications

    async def test_what_is_not_kept_is_received_in_its_turn(
        self, broker: Broker, clock: SettableClock
    ) -> None:
        listener = Listener(broker)
        await broker.subscribe(TEAM)
        for text, kept in (("a", True), ("b", False), ("c", True)):
            await broker.publish(TEAM, message(text, clock(), kept=kept))
        await listener.settle()
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
        broker = await make_broker(0, SECONDS)
        receipt = await broker.publish(TEAM, message("a", clock()))
        assert receipt.offset == 1
        page = await broker.history(TEAM, None, 10)
        assert (page.publications, page.position.offset, page.more) == ([], 1, False)

    async def test_history_seconds_0_sets_no_age(
        self, make_broker: MakeBroker, clock: SettableClock
    ) -> None:
        broker = await make_broker(SIZE, 0)
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
        assert (await broker.members(TEAM)).count == 0

    # Presence

    async def test_identities_join_with_their_first_connection_and_leave_with_their_last(
        self, broker: Broker
    ) -> None:
        assert await broker.enter(TEAM, "a1", ALICE) is True
        assert await broker.enter(TEAM, "a2", ALICE) is False
        assert await broker.enter(OTHER, "a1", ALICE) is True
        assert await broker.exit(TEAM, "a1", ALICE) is False
        assert await broker.exit(TEAM, "a2", ALICE) is True
        assert await broker.exit(TEAM, "a2", ALICE) is False
        assert (await broker.members(TEAM)).count == 0
        assert [one.identity.id for one in (await broker.members(OTHER)).first] == ["alice"]

    async def test_members_in_the_order_of_joining(
        self, broker: Broker, clock: SettableClock
    ) -> None:
        await broker.enter(TEAM, "b1", BOB)
        joined_at = clock()
        clock.advance(5)
        await broker.enter(TEAM, "a1", ALICE)
        await broker.enter(TEAM, "b2", BOB)
        members = await broker.members(TEAM)
        assert [one.identity.id for one in members.first] == ["bob", "alice"]
        assert [one.to_dict()["connections"] for one in members.first] == [2, 1]
        assert [one.joined_at for one in members.first] == [joined_at, joined_at + 5]
