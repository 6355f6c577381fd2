"""A server on a Redis, and what workers reach it by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import socketio
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from tests.fixtures.servers import Serve
from tests.support.ready import until_ready
from tests.support.redis import RedisServer


@pytest.fixture
async def server(serve: Serve, redis_server: RedisServer) -> TestServer:
    """A server that takes in what workers emit."""
    server = await serve(redis_url=redis_server.url)
    await until_ready(server)
    return server


@pytest.fixture
async def worker(redis_server: RedisServer) -> AsyncIterator[Any]:
    """A stock manager, as a worker has it."""
    manager = socketio.AsyncRedisManager(redis_server.url, write_only=True)
    yield manager
    if manager.redis is not None:
        await manager.pubsub.aclose()
        await manager.redis.aclose()


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Any]:
    """A client of the Redis itself."""
    async with Redis.from_url(redis_server.url) as client:
        yield client
