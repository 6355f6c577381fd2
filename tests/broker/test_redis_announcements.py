"""Announcements in Redis keep the contract, and are looked after by one of several processes."""

from __future__ import annotations

from typing import Any

import pytest

from app.broker.redis_announcements import RedisAnnouncements
from tests.broker.contracts.announcements import AGENT, AnnouncementsContract
from tests.fixtures.redis import StartBackend
from tests.support.messages import TEAM


class TestRedisAnnouncements(AnnouncementsContract):
    @pytest.fixture
    async def announcements(self, start_backend: StartBackend) -> RedisAnnouncements:
        return (await start_backend()).announcements


async def test_an_agent_that_is_there_elsewhere_has_not_left(start_backend: StartBackend) -> None:
    one, other = [await start_backend() for _ in range(2)]
    await one.announcements.arrive(TEAM, AGENT, 60)
    await other.presence.enter(TEAM, "s1", AGENT)
    await one.announcements.depart(TEAM, AGENT)
    assert (await one.announcements.departures(TEAM, 0)).due == []


async def test_who_enters_before_its_departure_is_due_stays(start_backend: StartBackend) -> None:
    one, other = [await start_backend() for _ in range(2)]
    await one.announcements.arrive(TEAM, AGENT, 60)
    await one.announcements.depart(TEAM, AGENT)
    await other.presence.enter(TEAM, "s1", AGENT)  # and its process hasn't said so yet
    assert (await one.announcements.departures(TEAM, 0)).due == []
    assert await other.announcements.arrive(TEAM, AGENT, 0) is None


async def test_what_a_process_leaves_undone_another_does(
    start_backend: StartBackend, redis: Any
) -> None:
    one, other = [(await start_backend()).announcements for _ in range(2)]
    await one.depart(TEAM, AGENT)
    assert await other.overdue(60) == []
    assert await other.overdue(0) == [TEAM]
    assert await one.overdue(60) == []
    due, _wait = await other.departures(TEAM, 0)
    await other.departures(TEAM, 0, due)
    assert await one.overdue(0) == []
    assert await redis.keys("*departures*") == []
