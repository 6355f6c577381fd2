"""What all tallies promise."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from app.broker.tallies import Tallies
from app.core.quota import Tally

ALICE = {"user:alice": Tally(3, 20, True, -5, True)}


class TallyListener:
    """Remembers what it is told; see `TallyEvents`."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Tally]]] = []
        self.gone: list[str] = []
        self.anew: list[str] = []
        self.missed = 0

    def on_tallies(self, process: str, tallies: Mapping[str, Tally]) -> None:
        self.told.append((process, dict(tallies)))

    def on_gone(self, process: str) -> None:
        self.gone.append(process)

    def on_anew(self, process: str) -> None:
        self.anew.append(process)

    def on_missed(self) -> None:
        self.missed += 1


class TalliesContract:
    """Tests of one implementation, which `tallies` returns, started with `tally_listener`."""

    @pytest.fixture
    def tally_listener(self) -> TallyListener:
        return TallyListener()

    @pytest.fixture
    async def tallies(self, tally_listener: TallyListener) -> Tallies:
        raise NotImplementedError

    async def test_nobody_is_told_its_own(
        self, tallies: Tallies, tally_listener: TallyListener
    ) -> None:
        for _number in range(3):
            await tallies.tell(ALICE)
        assert tally_listener.told == []

    async def test_there_may_be_nothing_to_tell(self, tallies: Tallies) -> None:
        await tallies.tell({})
