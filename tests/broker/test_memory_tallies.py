"""Tallies of a single process keep the contract."""

from __future__ import annotations

import pytest

from app.broker.memory_tallies import MemoryTallies
from tests.broker.contracts.tallies import TalliesContract, TallyListener


class TestMemoryTallies(TalliesContract):
    @pytest.fixture
    async def tallies(self, tally_listener: TallyListener) -> MemoryTallies:
        tallies = MemoryTallies()
        tallies.start(tally_listener)
        return tallies
