"""What all announcements promise."""

from __future__ import annotations

import pytest

from app.broker.contract import Announcements, Departures
from tests.support.messages import OTHER, TEAM, somebody

AGENT = somebody("agent-7", "agent")
ANOTHER = somebody("agent 8", "agent")


class AnnouncementsContract:
    """Tests of one implementation, which `announcements` returns."""

    @pytest.fixture
    async def announcements(self) -> Announcements:
        raise NotImplementedError

    async def test_who_arrives_is_announced(self, announcements: Announcements) -> None:
        assert await announcements.arrive(TEAM, AGENT, 60) == ""
        assert await announcements.arrive(TEAM, ANOTHER, 60) == ""
        assert await announcements.arrive(OTHER, AGENT, 60) == ""

    async def test_of_a_short_absence_nobody_learns(self, announcements: Announcements) -> None:
        await announcements.arrive(TEAM, AGENT, 60)
        await announcements.depart(TEAM, AGENT)
        due, wait = await announcements.departures(TEAM, 60)
        assert due == []
        assert 0 < wait <= 60
        assert await announcements.arrive(TEAM, AGENT, 60) is None
        assert await announcements.departures(TEAM, 0) == Departures([], 0)

    async def test_a_departure_is_due_until_it_is_told(self, announcements: Announcements) -> None:
        for who in (AGENT, ANOTHER):
            await announcements.arrive(TEAM, who, 0)
            await announcements.depart(TEAM, who)
        due, wait = await announcements.departures(TEAM, 0)
        assert {one.identity.key for one in due} == {AGENT.key, ANOTHER.key}
        assert wait == 0
        assert (await announcements.departures(TEAM, 0)).due == due
        assert (await announcements.departures(TEAM, 0, due[:1])).due == due[1:]
        assert await announcements.departures(TEAM, 0, due[1:]) == Departures([], 0)
        assert await announcements.arrive(TEAM, AGENT, 0) == ""

    async def test_who_comes_back_late_left_before(self, announcements: Announcements) -> None:
        await announcements.arrive(TEAM, AGENT, 0)
        await announcements.depart(TEAM, AGENT)
        due, _wait = await announcements.departures(TEAM, 0)
        assert await announcements.arrive(TEAM, AGENT, 0) == due[0].mark != ""
        # The one who tells it comes too late to forget that it is there.
        assert await announcements.departures(TEAM, 0, due) == Departures([], 0)

    async def test_who_was_never_announced_has_left_all_the_same(
        self, announcements: Announcements
    ) -> None:
        """What a backend has lost, members may know."""
        await announcements.depart(TEAM, AGENT)
        assert len((await announcements.departures(TEAM, 0)).due) == 1
