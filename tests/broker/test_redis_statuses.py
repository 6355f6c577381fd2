"""Due statuses in Redis keep the contract, and are taken over by one of several processes."""

from __future__ import annotations

import pytest

from app.broker.redis_statuses import RedisStatusQueue
from tests.broker.contracts.statuses import StatusQueueContract
from tests.fixtures.redis import StartBackend
from tests.support.messages import OTHER, TEAM


class TestRedisStatusQueue(StatusQueueContract):
    @pytest.fixture
    async def queue(self, start_backend: StartBackend) -> RedisStatusQueue:
        return (await start_backend()).statuses


async def test_what_is_overdue_is_given_to_one_process(start_backend: StartBackend) -> None:
    one, other = [(await start_backend()).statuses for _ in range(2)]
    await one.add(TEAM)
    assert await other.overdue(60) == []
    assert await other.overdue(0) == [TEAM]
    assert await one.overdue(60) == []


async def test_a_status_that_another_process_has_claimed_is_not_overdue(
    start_backend: StartBackend,
) -> None:
    one, other = [(await start_backend()).statuses for _ in range(2)]
    for channel in (TEAM, OTHER):
        await one.add(channel)
    assert await other.claim(TEAM, 60) == 0
    assert await one.claim(TEAM, 60) > 0
    assert await one.overdue(0) == [OTHER]
