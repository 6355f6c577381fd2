"""A test server that is run as `python -m app` runs it, and what is done to its clients there."""

from __future__ import annotations

from typing import Any

from aiohttp.test_utils import TestServer
from aiohttp.web import AppRunner, BaseRunner

from app.app_keys import SERVER
from app.runner import HTTP_LIMITS, Runner
from tests.support.node import NodeClient


class ListenerServer(TestServer):
    """`TestServer` with our runner."""

    async def _make_runner(self, **options: Any) -> BaseRunner:
        return Runner(self.app, **options)


class AiohttpServer(TestServer):
    """`TestServer` with our limits and aiohttp's runner, so without the fast path."""

    async def _make_runner(self, **options: Any) -> BaseRunner:
        return AppRunner(self.app, **(HTTP_LIMITS | options))


async def drop(server: TestServer, client: NodeClient) -> None:
    """End a client's transport from the server's side."""
    realtime = server.app[SERVER]
    eio_sid = realtime.manager.eio_sid_from_sid(client.sid, client.namespace)
    await realtime.eio.disconnect(eio_sid)
