"""A short run of each target, as `make fuzz` does long ones: the same cases each time."""

from __future__ import annotations

import pytest

from tests.fuzz.runner import Options, fuzz
from tests.fuzz.targets import TARGETS

CASES = {"http": 150, "session": 150, "plain": 150}


@pytest.mark.parametrize("name", TARGETS)
async def test_it_neither_fails_nor_grows(name: str) -> None:
    said: list[str] = []
    outcome = await fuzz(TARGETS[name](), Options(seed=7, cases=CASES.get(name, 1500)), said.append)
    assert outcome.findings == []
