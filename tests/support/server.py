"""A test server that is run as `python -m app` runs it."""

from __future__ import annotations

from typing import Any

from aiohttp.test_utils import TestServer
from aiohttp.web import BaseRunner

from app.runner import Runner


class ListenerServer(TestServer):
    """`TestServer` with our runner."""

    async def _make_runner(self, **options: Any) -> BaseRunner:
        return Runner(self.app, **options)
