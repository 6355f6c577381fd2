"""Fixtures: a real server on a real port, clients for it, and a real Redis."""

from __future__ import annotations

import asyncio
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.app_keys import SERVER
from app.application import create_app
from app.auth import make_token
from app.core.identity import Identity, Kind, parse_grants
from app.realtime.server import Server
from app.settings import Settings
from tests.support.client import Client
from tests.support.node import NodeDriver
from tests.support.process import HearthProcess, clean_environment
from tests.support.redis import RedisServer
from tests.support.server import DoorServer

pytest_plugins = ["tests.fixtures.connections", "tests.fixtures.logs"]

SECRET = "a secret of the tests, long enough for HS256"

Start = Callable[..., Awaitable[TestServer]]
Serve = Callable[..., Awaitable[TestServer]]
ServePlain = Callable[[Server], Awaitable[TestServer]]
Connect = Callable[..., Awaitable[Client]]
Run = Callable[..., Awaitable[HearthProcess]]
Launch = Callable[..., Awaitable[Process]]


def token(
    name: str, kind: Kind = "user", *grants: str, expires_in: float = 7200, secret: str = SECRET
) -> str:
    """Return a token that the test servers take; by default it outlives a run of all tests."""
    identity = Identity(name, kind, parse_grants(grants), time.time() + expires_in)
    return make_token(secret, identity)


ALICE = token("alice", "user", "*:*:rw")
BOB = token("bob", "user", "*:*:rw")
AGENT = token("agent-7", "agent", "*:*:rw")
SERVICE = token("ci", "service", "*:*:rw")


@pytest.fixture
async def start_server() -> AsyncIterator[Start]:
    """Return a function that serves an application as `python -m app` does."""
    servers: list[TestServer] = []

    async def start_one(
        app: web.Application, server_class: type[TestServer] = DoorServer
    ) -> TestServer:
        servers.append(server_class(app))
        await servers[-1].start_server()
        return servers[-1]

    yield start_one
    for server in servers:
        await server.close()


@pytest.fixture
def serve(start_server: Start) -> Serve:
    """Return a function that serves the application, with settings of the test's choice."""

    async def serve_with(**settings: Any) -> TestServer:
        defaults: dict[str, Any] = {
            "auth_secret": SECRET,
            "auth_mode": "required",
            "messages_per_second": 0,
        }
        return await start_server(create_app(Settings(**(defaults | settings))))

    return serve_with


@pytest.fixture
def serve_plain(start_server: Start) -> ServePlain:
    """Return a function that serves a realtime server with nothing of Hearth's on it."""

    async def serve_one(server: Server) -> TestServer:
        app = web.Application()
        app[SERVER] = server
        server.attach(app)

        async def close(_app: web.Application) -> None:
            await server.close_all()

        app.on_shutdown.append(close)
        return await start_server(app)

    return serve_one


@pytest.fixture
async def server(serve: Serve) -> TestServer:
    """A server with the settings that most tests want."""
    return await serve()


@pytest.fixture
async def connect(server: TestServer) -> AsyncIterator[Connect]:
    """Return a function that connects a client to a namespace of `server` or of another URL."""
    clients: list[Client] = []

    async def connect_client(
        namespace: str = "/circles", token: str | None = ALICE, url: str = "", **options: Any
    ) -> Client:
        client = Client(url or str(server.make_url("")), namespace, token, **options)
        clients.append(client)
        return await client.connect()

    yield connect_client
    await asyncio.gather(*(client.disconnect() for client in clients))


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    """Return a function that runs Hearth in a process of its own, with settings by variable."""
    processes: list[HearthProcess] = []

    async def run_process(**settings: str) -> HearthProcess:
        process = HearthProcess(tmp_path, **{"AUTH_SECRET": SECRET, **settings})
        processes.append(process)
        return await process.start()

    yield run_process
    await asyncio.gather(*(process.stop() for process in processes))


@pytest.fixture
async def launch() -> AsyncIterator[Launch]:
    """Return a function that starts a program: its output is the test's to read."""
    programs: list[Process] = []

    async def start(*command: str | Path, **environment: str) -> Process:
        programs.append(
            await asyncio.create_subprocess_exec(
                *command, env=clean_environment(**environment), stdout=PIPE, stderr=PIPE
            )
        )
        return programs[-1]

    yield start
    for program in programs:
        if program.returncode is None:
            program.kill()
        await program.communicate()


@pytest.fixture
async def node() -> AsyncIterator[NodeDriver]:
    """A Node process for this test's sockets."""
    driver = NodeDriver()
    await driver.start()
    yield driver
    await driver.close()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A running Redis of this test's own."""
    server = RedisServer()
    server.start()
    yield server
    server.close()
