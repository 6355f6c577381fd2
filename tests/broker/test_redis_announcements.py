"""Announcements in Redis keep the contract, and are looked after by one of several processes."""

from __future__ import annotations

from typing import Any

import pytest

from app.broker.announcements import Arrival, Departures
from app.broker.redis_announcements import RedisAnnouncements
from tests.broker.contracts.announcements import AGENT, AnnouncementsContract, tell_of_arrival
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
    await tell_of_arrival(one.announcements, AGENT)
    await one.announcements.depart(TEAM, AGENT)
    await other.presence.enter(TEAM, "s1", AGENT)  # and its process hasn't said so yet
    assert (await one.announcements.departures(TEAM, 0)).due == []
    assert await other.announcements.arrive(TEAM, AGENT, 0) is None


async def test_what_a_process_leaves_undone_another_does(
    start_backend: StartBackend, redis: Any
) -> None:
    one, other = [(await start_backend()).announcements for _ in range(2)]
    await tell_of_arrival(one, AGENT)
    await one.depart(TEAM, AGENT)
    assert await other.overdue(60) == []
    assert await other.overdue(0) == [TEAM]
    assert await one.overdue(60) == []
    due, _wait = await other.departures(TEAM, 0)
    await other.departures(TEAM, 0, due)
    assert await one.overdue(0) == []
    assert await redis.keys("*departures*") == []


async def test_who_leaves_is_away_in_the_same_step(start_backend: StartBackend) -> None:
    """A process that evicts an agent and dies at once has told nobody of it."""
    one, other = [await start_backend() for _ in range(2)]
    await one.presence.enter(TEAM, "s1", AGENT)
    await tell_of_arrival(one.announcements, AGENT)
    await one.presence.exit(TEAM, "s1", AGENT)
    assert await other.announcements.overdue(0) == [TEAM]
    (departure,), _wait = await other.announcements.departures(TEAM, 0)
    assert (departure.identity.key, departure.untold) == (AGENT.key, "")


async def test_whoever_was_not_announced_has_not_left(start_backend: StartBackend) -> None:
    """Its process died between its entering and its announcement."""
    one = await start_backend()
    await one.presence.enter(TEAM, "s1", AGENT)
    await one.presence.exit(TEAM, "s1", AGENT)
    await one.announcements.depart(TEAM, AGENT)
    assert await one.announcements.departures(TEAM, 0) == Departures([], 0)


async def test_an_arrival_that_may_be_untold_is_told_before_the_departure(
    start_backend: StartBackend,
) -> None:
    """Its process died between the announcement and its publication, or after that."""
    one, other = [(await start_backend()).announcements for _ in range(2)]
    first = await one.arrive(TEAM, AGENT, 60)
    assert first is not None
    await one.depart(TEAM, AGENT)
    assert await other.arrive(TEAM, AGENT, 60) == Arrival(first.mark, "", "")  # soon enough
    await one.depart(TEAM, AGENT)
    (departure,), _wait = await other.departures(TEAM, 0)
    assert departure.untold == first.mark
    late = await other.arrive(TEAM, AGENT, 0)
    assert late is not None
    assert (late.untold, late.left) == (first.mark, departure.mark)
    await one.confirm(TEAM, AGENT, first.mark)  # too late to mean this one
    assert await other.arrive(TEAM, AGENT, 60) == Arrival(late.mark, "", "")
    await other.confirm(TEAM, AGENT, late.mark)
    assert await one.arrive(TEAM, AGENT, 60) is None
