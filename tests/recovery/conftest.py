"""Fixtures: stock clients that ask to be restored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import SERVER
from tests.clients.conftest import TRANSPORTS
from tests.fixtures.clients import Connect
from tests.support.client import Client
from tests.support.node import NodeClient, NodeDriver
from tests.support.proxy import Proxy
from tests.support.tokens import ALICE, BOB

Recovering = Callable[..., Awaitable[NodeClient]]
Through = Callable[[str], Awaitable[Proxy]]


@pytest.fixture
def recovering(node: NodeDriver, request: pytest.FixtureRequest) -> Recovering:
    """Return a function that connects a socket which asks to be restored."""

    async def connect(
        url: str = "",
        namespace: str = "/circles",
        token: str | None = ALICE,
        transport: str = "websocket",
        recover: bool = True,
        **options: Any,
    ) -> NodeClient:
        if not url:
            server: TestServer = request.getfixturevalue("server")
            url = str(server.make_url(""))
        auth = {"token": token, "recover": recover}
        client = node.open(url, namespace, **TRANSPORTS[transport], auth=auth, **options)
        await client.moment("connect")
        if transport == "upgrade":
            await client.moment("upgrade")
        return client

    return connect


@pytest.fixture
async def through() -> AsyncIterator[Through]:
    """Return a function that lays a way to a server which can be cut."""
    proxies: list[Proxy] = []

    async def lay(url: str) -> Proxy:
        proxies.append(await Proxy(url).start())
        return proxies[-1]

    yield lay
    for proxy in proxies:
        await proxy.close()


@pytest.fixture
async def bob(connect: Connect) -> Client:
    """Somebody who talks."""
    return await connect(token=BOB)


@pytest.fixture
async def proxy(server: TestServer, through: Through) -> Proxy:
    """The way to the server, which can be cut."""
    return await through(str(server.make_url("")))


def text(content: object, channel: str = "dev-team") -> dict[str, Any]:
    """Return a request to publish."""
    return {"channel": channel, "data": {"content": str(content)}}


def texts(client: NodeClient) -> list[str]:
    """Return the content of each message that a client received, in order."""
    return [one["data"]["content"] for one in client.all("user_message")]


def trailing(client: NodeClient, event: str = "user_message") -> list[Any]:
    """Return what came behind the envelope of each event of this name."""
    return [line["args"][1:] for line in client.happened if line.get("event") == event]


def connects(client: NodeClient) -> list[tuple[str, bool]]:
    """Return session id and `recovered` of each connect."""
    return [(one["sid"], bool(one.get("recovered"))) for one in client.moments("connect")]


async def drop(server: TestServer, client: NodeClient) -> None:
    """End a client's transport from the server's side."""
    realtime = server.app[SERVER]
    eio_sid = realtime.manager.eio_sid_from_sid(client.sid, client.namespace)
    await realtime.eio.disconnect(eio_sid)
