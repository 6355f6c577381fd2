"""Presence and due statuses in memory keep their contracts, and give the memory back."""

from __future__ import annotations

import pytest

from app.broker.memory_presence import MemoryPresence, MemoryStatusQueue
from tests.broker.contracts.presence import ALICE, PresenceContract
from tests.broker.contracts.statuses import StatusQueueContract
from tests.support.clock import SettableClock
from tests.support.listener import Listener
from tests.support.messages import OTHER, TEAM
from tests.support.ready import until


class TestMemoryPresence(PresenceContract):
    @pytest.fixture
    async def store(self, clock: SettableClock) -> MemoryPresence:
        store = MemoryPresence(clock)
        await store.start(Listener())
        return store


class TestMemoryStatusQueue(StatusQueueContract):
    @pytest.fixture
    async def queue(self) -> MemoryStatusQueue:
        return MemoryStatusQueue()


async def test_a_channel_that_all_have_left_takes_no_memory() -> None:
    store = MemoryPresence()
    await store.enter(TEAM, "a1", ALICE)
    await store.exit(TEAM, "a1", ALICE)
    assert store._channels == {}


async def test_a_claim_that_is_over_takes_no_memory() -> None:
    queue = MemoryStatusQueue()
    await queue.claim(TEAM, 0)
    await queue.claim(OTHER, 60)
    await until(lambda: list(queue._claims) == [OTHER])
