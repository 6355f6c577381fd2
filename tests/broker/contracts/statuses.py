"""What every status queue promises."""

from __future__ import annotations

import asyncio

import pytest

from app.broker.contract import StatusQueue
from tests.support.messages import OTHER, TEAM


class StatusQueueContract:
    """Tests of one implementation, which `queue` returns."""

    @pytest.fixture
    async def queue(self) -> StatusQueue:
        raise NotImplementedError

    async def test_of_many_at_once_one_has_the_status(self, queue: StatusQueue) -> None:
        waits = await asyncio.gather(*(queue.claim(TEAM, 60) for _ in range(5)))
        assert waits.count(0) == 1
        assert all(0 <= wait <= 60 for wait in waits)

    async def test_each_channel_has_its_own(self, queue: StatusQueue) -> None:
        assert await queue.claim(TEAM, 60) == 0
        assert await queue.claim(OTHER, 60) == 0

    async def test_it_can_be_claimed_again_after_the_seconds_that_it_says(
        self, queue: StatusQueue
    ) -> None:
        assert await queue.claim(OTHER, 60) == 0
        assert await queue.claim(TEAM, 0.05) == 0
        async with asyncio.timeout(30):
            wait = await queue.claim(TEAM, 60)
            while wait > 0:
                await asyncio.sleep(wait)
                wait = await queue.claim(TEAM, 60)
        assert wait == 0
        assert await queue.claim(TEAM, 60) > 0

    async def test_what_was_claimed_is_due_no_more(self, queue: StatusQueue) -> None:
        await queue.add(TEAM)
        assert await queue.claim(TEAM, 60) == 0
        assert await queue.overdue(0) == []
