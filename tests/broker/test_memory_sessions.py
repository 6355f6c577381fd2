"""The sessions in memory keep the contract, and are bounded."""

from __future__ import annotations

import pytest

from app.broker.memory_sessions import MemorySessions
from tests.broker.contracts.sessions import CLAIMANT, SessionStoreContract, new_session
from tests.support.clock import SettableClock


class TestMemorySessions(SessionStoreContract):
    @pytest.fixture
    async def store(self) -> MemorySessions:
        return MemorySessions()


async def test_memory_is_bounded() -> None:
    clock = SettableClock()
    store = MemorySessions(clock, most=3)
    for number in range(5):
        await store.save(new_session(pid=str(number)), 10)
    assert len(store) == 3
    assert await store.claim("1", "second", CLAIMANT, 10) is None
    assert await store.claim("2", "second", CLAIMANT, 10) is not None
    clock.advance(20)
    await store.save(new_session(pid="new"), 10)
    assert len(store) == 1
