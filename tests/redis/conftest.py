"""Fixtures: brokers on the test's own Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.support.brokers import RunningBroker
from tests.support.proxy import Proxy
from tests.support.redis import RedisServer

Start = Callable[..., Awaitable[RunningBroker]]


@pytest.fixture
async def start(redis_server: RedisServer) -> AsyncIterator[Start]:
    """Return a function that starts a broker on `redis_server`, or on another URL."""
    running: list[RunningBroker] = []

    async def start_one(url: str = "", **options: Any) -> RunningBroker:
        one = await RunningBroker.start(url or redis_server.url, **options)
        running.append(one)
        return one

    yield start_one
    for one in running:
        await one.close()


@pytest.fixture
async def proxy(redis_server: RedisServer) -> AsyncIterator[Proxy]:
    """A proxy before `redis_server`."""
    one = await Proxy(redis_server.url).start()
    yield one
    await one.close()
