"""Fixtures: what a recipe sets up, behind a real nginx."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.fixtures.processes import Launch, Run
from tests.support.pages import blocks
from tests.support.plain import PlainClient
from tests.support.process import ROOT
from tests.support.ready import until, until_status
from tests.support.redis import RedisServer

#: Where the pages of a recipe are served; its port is in no `Host`.
SITE = "http://app.example.com:8443"
RECIPES = ROOT / "docs/recipes"

FollowRecipe = Callable[[str], Awaitable["Site"]]


class Site:
    """What a recipe sets up.

    Args:
        url: of Hearth, which nginx stands before.
        settings: those of the recipe.
        session: connects through nginx.
    """

    def __init__(self, url: str, settings: dict[str, str], session: aiohttp.ClientSession) -> None:
        self.url = url
        self.settings = settings
        self.session = session

    async def open(self, path: str) -> PlainClient:
        """Open a WebSocket as a page of the site does."""
        return PlainClient(await self.session.ws_connect(SITE + path, origin=SITE))


@pytest.fixture
async def backend() -> AsyncIterator[TestServer]:
    """The system's own backend, which says what it was asked for."""

    async def tell(request: web.Request) -> web.Response:
        return web.Response(text=request.path)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", tell)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


@pytest.fixture
async def follow(
    run: Run, launch: Launch, redis_server: RedisServer, backend: TestServer, tmp_path: Path
) -> AsyncIterator[FollowRecipe]:
    """Return a function that sets up what a recipe says, by its name."""
    sessions: list[aiohttp.ClientSession] = []

    async def set_up(name: str) -> Site:
        page = RECIPES / f"{name}.md"
        [lines] = blocks(page, "sh")
        settings = dict(line.split("=", 1) for line in lines.splitlines())
        if "REDIS_URL" in settings:
            settings["REDIS_URL"] = redis_server.url
        process = await run(**settings)
        await until_status(process.url)
        [locations] = blocks(page, "nginx")
        locations = re.sub(r"127\.0\.0\.1:8000", process.url.removeprefix("http://"), locations)
        locations = re.sub(r"127\.0\.0\.1:8001", f"127.0.0.1:{backend.port}", locations)
        site = tmp_path / "nginx.sock"
        (tmp_path / "nginx.conf").write_text(
            "daemon off; master_process off; events {}\n"
            f"pid {tmp_path}/pid; error_log {tmp_path}/error.log;\n"
            f"http {{ access_log off; client_body_temp_path {tmp_path};\n"
            f"proxy_temp_path {tmp_path}/proxy; fastcgi_temp_path {tmp_path}/fastcgi;\n"
            f"uwsgi_temp_path {tmp_path}/uwsgi; scgi_temp_path {tmp_path}/scgi;\n"
            f"server {{ listen unix:{site};\n{locations} }} }}"
        )
        executable = shutil.which("nginx")
        assert executable, "these tests need nginx: scripts/install-system"
        nginx = await launch(executable, "-c", tmp_path / "nginx.conf", "-p", tmp_path)
        await until(lambda: _listens(site) or nginx.returncode is not None)
        assert nginx.returncode is None, (tmp_path / "error.log").read_text()
        connector = aiohttp.UnixConnector(str(site))
        sessions.append(aiohttp.ClientSession(connector=connector))
        return Site(process.url, settings, sessions[-1])

    yield set_up
    await asyncio.gather(*(session.close() for session in sessions))


def _listens(path: Path) -> bool:
    """Whether somebody listens there: nginx makes the file some time before it does."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
