"""The memory broker keeps the contract, and forgets what nobody needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.broker.contract import Fence
from app.broker.memory import HOUSEKEEPING_SECONDS, MemoryBroker
from app.core.history import HistoryOptions
from tests.broker.contracts.broker import BrokerContract
from tests.broker.contracts.fixtures import SECONDS, SIZE, MakeBroker
from tests.support.clock import SettableClock
from tests.support.listener import Listener
from tests.support.messages import OTHER, TEAM, message
from tests.support.virtual_loop import run_virtually


class TestMemoryBroker(BrokerContract):
    @pytest.fixture
    async def make_broker(
        self, clock: SettableClock, listener: Listener
    ) -> AsyncIterator[MakeBroker]:
        running: list[MemoryBroker] = []

        async def make(history: HistoryOptions) -> MemoryBroker:
            running.append(MemoryBroker(history, clock))
            await running[-1].start(listener)
            return running[-1]

        yield make
        for broker in running:
            await broker.close()


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def broker(clock: SettableClock) -> MemoryBroker:
    return MemoryBroker(HistoryOptions(SIZE, SECONDS), clock)


async def is_kept(broker: MemoryBroker) -> bool:
    """Tell whether a channel survives `forget_idle`."""
    await broker.recover(TEAM, None, None)
    broker.forget_idle()
    return TEAM in broker._channels


def test_it_forgets_by_itself(clock: SettableClock, broker: MemoryBroker) -> None:
    async def main() -> None:
        await broker.start(Listener())
        assert broker.ready is True
        await broker.publish(TEAM, message("a", clock()))
        clock.advance(SECONDS + 1)
        await asyncio.sleep(HOUSEKEEPING_SECONDS + 1)
        assert not broker._channels
        await broker.close()

    run_virtually(main)


async def test_a_process_that_shares_nothing_always_has_the_lease(
    broker: MemoryBroker, clock: SettableClock
) -> None:
    targets = [(channel, message("a", clock())) for channel in (TEAM, OTHER)]
    published = await broker.publish_all(targets, Fence("whatever", b"digest"))
    assert [receipt.offset for receipt in published.receipts] == [1, 1]


async def test_an_idle_channel_begins_a_new_epoch(
    broker: MemoryBroker, clock: SettableClock
) -> None:
    receipt = await broker.publish(TEAM, message("a", clock()))
    clock.advance(SECONDS + 1)
    broker.forget_idle()
    again = await broker.publish(TEAM, message("b", clock()))
    assert again.offset == 1
    assert again.epoch != receipt.epoch


async def test_who_has_missed_nothing_recovers_also_after_a_rest(
    broker: MemoryBroker, clock: SettableClock
) -> None:
    """A channel that never had a message is in the same epoch after it was forgotten."""
    position = (await broker.recover(TEAM, None, None)).position
    assert not await is_kept(broker)
    assert (await broker.recover(TEAM, position, None)).recovered
    await broker.publish(TEAM, message("a", clock()))
    assert len((await broker.recover(TEAM, position, None)).publications) == 1


async def test_who_may_come_back_finds_the_channel(clock: SettableClock) -> None:
    broker = MemoryBroker(HistoryOptions(SIZE, 60, recovery_seconds=3600), clock)
    await broker.subscribe(TEAM)
    await broker.publish(TEAM, message("a", clock()))
    position = (await broker.recover(TEAM, None, None)).position
    await broker.unsubscribe(TEAM)
    clock.advance(3599)
    assert await is_kept(broker)
    assert (await broker.recover(TEAM, position, None)).recovered
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


async def test_a_subscription_keeps_a_channel(broker: MemoryBroker) -> None:
    await broker.subscribe(TEAM)
    assert await is_kept(broker)
    await broker.unsubscribe(TEAM)
    assert not await is_kept(broker)


async def test_a_receipt_keeps_a_channel_for_five_minutes(clock: SettableClock) -> None:
    broker = MemoryBroker(HistoryOptions(0, SECONDS), clock)
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
