"""Fixtures: stock clients that ask to be restored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from tests.fixtures.clients import Connect
from tests.fixtures.node import ConnectNode
from tests.fixtures.proxies import Through
from tests.support.client import Client
from tests.support.node import NodeClient
from tests.support.proxy import Proxy
from tests.support.tokens import ALICE, BOB

Recovering = Callable[..., Awaitable[NodeClient]]


@pytest.fixture
def recovering(connect_node: ConnectNode) -> Recovering:
    """Return a function that connects a socket which asks to be restored."""

    async def connect(
        url: str = "",
        namespace: str = "/circles",
        token: str | None = ALICE,
        recover: bool = True,
        **options: Any,
    ) -> NodeClient:
        auth = {"token": token, "recover": recover}
        return await connect_node(namespace, url=url, auth=auth, **options)

    return connect


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
