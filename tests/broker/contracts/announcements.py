"""What all announcements promise."""

from __future__ import annotations

import pytest

from app.broker.announcements import Announcements, Departures
from app.core.identity import Identity
from tests.support.messages import OTHER, TEAM, somebody

AGENT = somebody("agent-7", "agent")
ANOTHER = somebody("agent 8", "agent")


async def tell_of_arrival(announcements: Announcements, who: Identity) -> None:
    """Note that an agent is there, and that members know it."""
    arrival = await announcements.arrive(TEAM, who, 60)
    assert arrival is not None
    await announcements.confirm(TEAM, who, arrival.mark)


class AnnouncementsContract:
    """Tests of one implementation, which `announcements` returns."""

    @pytest.fixture
    async def announcements(self) -> Announcements:
        raise NotImplementedError

    async def test_who_arrives_is_announced(self, announcements: Announcements) -> None:
        for where, who in ((TEAM, AGENT), (TEAM, ANOTHER), (OTHER, AGENT)):
            arrival = await announcements.arrive(where, who, 60)
            assert arrival is not None
            assert (arrival.untold, arrival.left) == ("", "")
            assert arrival.mark
            await announcements.confirm(where, who, arrival.mark)

    async def test_of_a_short_absence_nobody_learns(self, announcements: Announcements) -> None:
        await tell_of_arrival(announcements, AGENT)
        await announcements.depart(TEAM, AGENT)
        due, wait = await announcements.departures(TEAM, 60)
        assert due == []
        assert 0 < wait <= 60
        assert await announcements.arrive(TEAM, AGENT, 60) is None
        assert await announcements.departures(TEAM, 0) == Departures([], 0)

    async def test_a_departure_is_due_until_it_is_told(self, announcements: Announcements) -> None:
        for who in (AGENT, ANOTHER):
            await tell_of_arrival(announcements, who)
            await announcements.depart(TEAM, who)
        due, wait = await announcements.departures(TEAM, 0)
        assert {one.identity.key for one in due} == {AGENT.key, ANOTHER.key}
        assert wait == 0
        assert (await announcements.departures(TEAM, 0)).due == due
        assert (await announcements.departures(TEAM, 0, due[:1])).due == due[1:]
        assert await announcements.departures(TEAM, 0, due[1:]) == Departures([], 0)
        arrival = await announcements.arrive(TEAM, AGENT, 0)
        assert arrival is not None
        assert arrival.left == ""

    async def test_who_comes_back_late_left_before(self, announcements: Announcements) -> None:
        await tell_of_arrival(announcements, AGENT)
        await announcements.depart(TEAM, AGENT)
        due, _wait = await announcements.departures(TEAM, 0)
        arrival = await announcements.arrive(TEAM, AGENT, 0)
        assert arrival is not None
        assert arrival.left == due[0].mark != ""
        # The one who tells it comes too late to forget that it is there.
        assert await announcements.departures(TEAM, 0, due) == Departures([], 0)
