"""Fixtures: a server on a Redis."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestServer

from tests.fixtures.servers import Serve
from tests.support.ready import until_ready
from tests.support.redis import RedisServer


@pytest.fixture
async def server(serve: Serve, redis_server: RedisServer) -> TestServer:
    """A server that ingests what workers emit."""
    server = await serve(redis_url=redis_server.url)
    await until_ready(server)
    return server
