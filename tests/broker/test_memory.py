"""The memory broker keeps the contract, and forgets what nobody needs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.broker.memory import MemoryBroker
from tests.broker.contract import ALICE, SECONDS, SIZE, BrokerContract, MakeBroker
from tests.support.clock import SettableClock
from tests.support.messages import TEAM, message


class TestMemoryBroker(BrokerContract):
    @pytest.fixture
    async def make_broker(self, clock: SettableClock) -> MakeBroker:
        async def make(history_size: int, history_seconds: float) -> MemoryBroker:
            broker = MemoryBroker(history_size, history_seconds, clock)
            await broker.start()
            return broker

        return make


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def broker(clock: SettableClock) -> MemoryBroker:
    return MemoryBroker(SIZE, SECONDS, clock)


async def epoch_after_a_rest(broker: MemoryBroker) -> tuple[str, str]:
    """Return the epoch of a channel before and after `forget_idle`."""
    before = (await broker.recover(TEAM, None, None)).position.epoch
    broker.forget_idle()
    return before, (await broker.recover(TEAM, None, None)).position.epoch


async def test_it_is_always_ready(broker: MemoryBroker) -> None:
    await broker.start()
    assert broker.ready is True
    await broker.close()


async def test_an_idle_channel_begins_a_new_life(
    broker: MemoryBroker, clock: SettableClock
) -> None:
    receipt = await broker.publish(TEAM, message("a", clock()))
    clock.advance(SECONDS + 1)
    broker.forget_idle()
    again = await broker.publish(TEAM, message("b", clock()))
    assert again.publication.offset == 1
    assert again.epoch != receipt.epoch


async def test_forgetting_gives_the_memory_back(broker: MemoryBroker, clock: SettableClock) -> None:
    await broker.publish(TEAM, message("a", clock()))
    assert broker._channels
    clock.advance(SECONDS + 1)
    broker.forget_idle()
    assert not broker._channels


async def test_asking_for_a_channel_does_not_keep_it(broker: MemoryBroker) -> None:
    before, after = await epoch_after_a_rest(broker)
    assert before != after


async def test_history_keeps_a_channel(broker: MemoryBroker, clock: SettableClock) -> None:
    await broker.publish(TEAM, message("a", clock()))
    clock.advance(SECONDS - 1)
    before, after = await epoch_after_a_rest(broker)
    assert before == after
    assert len((await broker.history(TEAM, None, 10)).publications) == 1


async def test_a_member_keeps_a_channel(broker: MemoryBroker) -> None:
    await broker.enter(TEAM, "a1", ALICE)
    before, after = await epoch_after_a_rest(broker)
    assert before == after
    await broker.exit(TEAM, "a1", ALICE)
    before, after = await epoch_after_a_rest(broker)
    assert before != after


async def test_a_subscription_keeps_a_channel(broker: MemoryBroker) -> None:
    await broker.subscribe(TEAM)
    before, after = await epoch_after_a_rest(broker)
    assert before == after
    await broker.unsubscribe(TEAM)
    before, after = await epoch_after_a_rest(broker)
    assert before != after


async def test_a_receipt_keeps_a_channel_for_five_minutes(clock: SettableClock) -> None:
    broker = MemoryBroker(0, SECONDS, clock)
    await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
    clock.advance(299)
    before, after = await epoch_after_a_rest(broker)
    assert before == after
    clock.advance(2)
    before, after = await epoch_after_a_rest(broker)
    assert before != after


async def test_old_receipts_are_forgotten_one_by_one(
    broker: MemoryBroker, clock: SettableClock
) -> None:
    for number in range(3):
        await broker.publish(TEAM, message("a", clock(), nonce_key=f"alice {number}"))
        clock.advance(200)
    broker.forget_idle()
    assert list(broker._channels[TEAM].receipts) == ["alice 2"]


async def test_a_receipt_is_asked_for_without_publishing(
    broker: MemoryBroker, clock: SettableClock
) -> None:
    assert broker.receipt(TEAM, "alice 1") is None
    first = await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
    assert broker.receipt(TEAM, "alice 1") == replace(first, duplicate=True)
    assert broker.receipt(TEAM, None) is None
