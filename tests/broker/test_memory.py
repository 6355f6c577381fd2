"""The memory broker keeps the contract, and forgets what nobody needs."""

from __future__ import annotations

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


async def is_kept(broker: MemoryBroker) -> bool:
    """Tell whether a channel survives `forget_idle`."""
    await broker.recover(TEAM, None, None)
    broker.forget_idle()
    return TEAM in broker._channels


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
    assert again.offset == 1
    assert again.epoch != receipt.epoch


async def test_who_has_missed_nothing_is_told_so_also_after_a_rest(
    broker: MemoryBroker, clock: SettableClock
) -> None:
    """A channel that never had a message is in no new life when it was forgotten."""
    place = (await broker.recover(TEAM, None, None)).position
    assert not await is_kept(broker)
    assert (await broker.recover(TEAM, place, None)).recovered
    await broker.publish(TEAM, message("a", clock()))
    assert len((await broker.recover(TEAM, place, None)).publications) == 1


async def test_who_may_come_back_finds_the_channel(clock: SettableClock) -> None:
    broker = MemoryBroker(SIZE, 60, clock, recovery_seconds=3600)
    await broker.subscribe(TEAM)
    await broker.publish(TEAM, message("a", clock()))
    place = (await broker.recover(TEAM, None, None)).position
    await broker.unsubscribe(TEAM)
    clock.advance(3599)
    assert await is_kept(broker)
    assert (await broker.recover(TEAM, place, None)).recovered
    clock.advance(2)
    assert not await is_kept(broker)


async def test_forgetting_gives_the_memory_back(broker: MemoryBroker, clock: SettableClock) -> None:
    await broker.publish(TEAM, message("a", clock()))
    assert broker._channels
    clock.advance(SECONDS + 1)
    broker.forget_idle()
    assert not broker._channels


async def test_asking_for_a_channel_does_not_keep_it(broker: MemoryBroker) -> None:
    assert not await is_kept(broker)


async def test_history_keeps_a_channel(broker: MemoryBroker, clock: SettableClock) -> None:
    await broker.publish(TEAM, message("a", clock()))
    clock.advance(SECONDS - 1)
    assert await is_kept(broker)
    assert len((await broker.history(TEAM, None, 10)).publications) == 1


async def test_a_member_keeps_a_channel(broker: MemoryBroker) -> None:
    await broker.enter(TEAM, "a1", ALICE)
    assert await is_kept(broker)
    await broker.exit(TEAM, "a1", ALICE)
    assert not await is_kept(broker)


async def test_a_subscription_keeps_a_channel(broker: MemoryBroker) -> None:
    await broker.subscribe(TEAM)
    assert await is_kept(broker)
    await broker.unsubscribe(TEAM)
    assert not await is_kept(broker)


async def test_a_receipt_keeps_a_channel_for_five_minutes(clock: SettableClock) -> None:
    broker = MemoryBroker(0, SECONDS, clock)
    await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
    clock.advance(299)
    assert await is_kept(broker)
    clock.advance(2)
    assert not await is_kept(broker)


async def test_old_receipts_are_forgotten_one_by_one(
    broker: MemoryBroker, clock: SettableClock
) -> None:
    for number in range(3):
        await broker.publish(TEAM, message("a", clock(), nonce_key=f"alice {number}"))
        clock.advance(200)
    broker.forget_idle()
    assert list(broker._channels[TEAM].receipts) == ["alice 2"]
