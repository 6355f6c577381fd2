"""What every broker promises of how much history a channel has, in bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.broker.contract import Broker
from app.core.history import HistoryOptions, Position
from tests.broker.contracts.fixtures import BrokerFixtures, MakeBroker
from tests.support.clock import SettableClock
from tests.support.messages import OTHER, TEAM, message, texts_of

MOST_BYTES = 10_000
#: With what it is stored with, six of these fit.
SIZE = 1500


def text(name: str, size: int = SIZE) -> str:
    return name.ljust(size, ".")


class BoundsContract(BrokerFixtures):
    """Tests of `HistoryOptions.most_bytes`."""

    @pytest.fixture
    async def bounded(self, make_broker: MakeBroker) -> Broker:
        return await make_broker(HistoryOptions(1000, 3600, most_bytes=MOST_BYTES))

    async def names(self, broker: Broker) -> list[str]:
        page = await broker.history(TEAM, None, 100)
        assert not page.more
        return [one.rstrip(".") for one in texts_of(page.publications)]

    async def test_history_is_trimmed_by_bytes(self, bounded: Broker, clock: SettableClock) -> None:
        epoch = (await bounded.recover(TEAM, None, None)).position.epoch
        for number in range(1, 101):
            await bounded.publish(TEAM, message(text(str(number)), clock()))
            assert await self.names(bounded) == [str(n) for n in range(1, number + 1)][-6:]
        missed = await bounded.recover(TEAM, Position(94, epoch), None)
        assert (missed.recovered, len(missed.publications)) == (True, 6)
        lost = await bounded.recover(TEAM, Position(93, epoch), None)
        assert (lost.recovered, len(lost.publications)) == (False, 6)

    async def test_the_newest_stays_however_large_it_is(
        self, bounded: Broker, clock: SettableClock
    ) -> None:
        for name, size, kept in (
            *(("a", 100, ["a"]), ("b", 3 * MOST_BYTES, ["b"]), ("c", 100, ["c"])),
            *(("d", 9000, ["c", "d"]), ("e", 9000, ["e"]), ("f", 100, ["e", "f"])),
        ):
            await bounded.publish(TEAM, message(text(name, size), clock()))
            assert await self.names(bounded) == kept

    async def test_what_is_compacted_counts_no_more(
        self, bounded: Broker, clock: SettableClock
    ) -> None:
        await bounded.publish(TEAM, message(text("first"), clock()))
        for number in range(100):
            flap = replace(message(text(str(number)), clock()), compaction_key="agent:7")
            await bounded.publish(TEAM, flap)
        assert await self.names(bounded) == ["first", "99"]
        for number in range(4):
            await bounded.publish(TEAM, message(text(str(number)), clock()))
        assert await self.names(bounded) == ["first", "99", "0", "1", "2", "3"]
        await bounded.publish(TEAM, message(text("4"), clock()))
        assert await self.names(bounded) == ["99", "0", "1", "2", "3", "4"]

    async def test_what_has_expired_counts_no_more(
        self, bounded: Broker, clock: SettableClock
    ) -> None:
        for _hour in range(20):
            for number in range(5):
                await bounded.publish(TEAM, message(text(str(number)), clock()))
            assert await self.names(bounded) == ["0", "1", "2", "3", "4"]
            clock.advance(3601)

    async def test_each_channel_has_its_own_bound(
        self, bounded: Broker, clock: SettableClock
    ) -> None:
        for number in range(20):
            for channel in (TEAM, OTHER):
                await bounded.publish(channel, message(text(str(number)), clock()))
        for channel in (TEAM, OTHER):
            assert len((await bounded.history(channel, None, 100)).publications) == 6

    async def test_0_sets_no_bound(self, make_broker: MakeBroker, clock: SettableClock) -> None:
        broker = await make_broker(HistoryOptions(1000, 3600, most_bytes=0))
        for number in range(100):
            await broker.publish(TEAM, message(text(str(number)), clock()))
        assert len(await self.names(broker)) == 100
