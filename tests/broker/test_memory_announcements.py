"""Announcements in memory keep the contract, and give the memory back."""

from __future__ import annotations

import pytest

from app.broker.memory_announcements import MemoryAnnouncements
from tests.broker.contracts.announcements import AGENT, AnnouncementsContract
from tests.support.messages import TEAM


class TestMemoryAnnouncements(AnnouncementsContract):
    @pytest.fixture
    async def announcements(self) -> MemoryAnnouncements:
        return MemoryAnnouncements()


async def test_what_was_told_takes_no_memory() -> None:
    announcements = MemoryAnnouncements()
    await announcements.depart(TEAM, AGENT)
    due, _wait = await announcements.departures(TEAM, 0)
    await announcements.departures(TEAM, 0, due)
    assert announcements._left == {}
