"""Fixtures: a server on a Redis, and ingests there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from tests.fixtures.servers import Serve
from tests.support.ingests import RunningIngest
from tests.support.ready import until_ready
from tests.support.redis import RedisServer

Start = Callable[..., Coroutine[Any, Any, RunningIngest]]


@pytest.fixture
async def server(serve: Serve, redis_server: RedisServer) -> TestServer:
    """A server that ingests what workers emit."""
    server = await serve(redis_url=redis_server.url)
    await until_ready(server)
    return server


@pytest.fixture
async def start(redis_server: RedisServer) -> AsyncIterator[Start]:
    """Return a function that starts an ingest and waits until it is caught up."""
    started: list[RunningIngest] = []

    async def start_one(**options: Any) -> RunningIngest:
        one = await RunningIngest.start_caught_up(redis_server.url, **options)
        started.append(one)
        return one

    yield start_one
    await asyncio.gather(*(one.close() for one in started))
