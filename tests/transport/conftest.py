"""Fixtures: a server whose HTTP connections have times of the test's choice."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer

from app.application import create_app
from app.settings import Settings
from app.transport.http_deadlines import HttpTimes
from tests.support.http import ServeWith
from tests.support.server import ListenerServer
from tests.support.tokens import SECRET


@pytest.fixture
async def serve_with() -> AsyncIterator[ServeWith]:
    """Return a function that serves the application with times of the test's choice."""
    servers: list[TestServer] = []

    async def serve(times: HttpTimes) -> TestServer:
        app = create_app(Settings(auth_secret=SECRET, auth_mode="required", ping_seconds=0.5))
        servers.append(ListenerServer(app, times))
        await servers[-1].start_server()
        return servers[-1]

    yield serve
    for server in servers:
        await server.close()
