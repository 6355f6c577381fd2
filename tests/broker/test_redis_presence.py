"""Presence in Redis keeps the contract; tests/redis has what becomes of it when things fail."""

from __future__ import annotations

import pytest

from app.broker.redis_presence import RedisPresence
from tests.broker.contracts.presence import PresenceContract
from tests.fixtures.redis import StartBackend
from tests.support.clock import SettableClock


class TestRedisPresence(PresenceContract):
    @pytest.fixture
    async def store(self, start_backend: StartBackend, clock: SettableClock) -> RedisPresence:
        return (await start_backend(clock=clock)).presence
