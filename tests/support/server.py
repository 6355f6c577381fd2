"""A test server that is run as `python -m app` runs it, and what is done to its clients there."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.web import BaseRunner

from app.app_keys import SERVER
from app.runner import Runner
from app.transport.http_deadlines import HttpTimes
from tests.support.node import NodeClient


class ListenerServer(TestServer):
    """`TestServer` with our runner.

    Args:
        times: how long requests may take.
    """

    def __init__(
        self, app: web.Application, times: HttpTimes | None = None, **options: Any
    ) -> None:
        super().__init__(app, **options)
        self._times = times

    async def _make_runner(self, **options: Any) -> BaseRunner:
        return Runner(self.app, self._times, **options)


class AiohttpServer(TestServer):
    """`TestServer` with our runner, less the fast path."""

    async def _make_runner(self, **options: Any) -> BaseRunner:
        return _WithoutFastPath(self.app, **options)


class _WithoutFastPath(Runner):
    @property
    def server(self) -> Any:
        return self.connect


async def drop(server: TestServer, client: NodeClient) -> None:
    """End a client's transport from the server's side."""
    realtime = server.app[SERVER]
    eio_sid = realtime.manager.eio_sid_from_sid(client.sid, client.namespace)
    await realtime.eio.disconnect(eio_sid)
