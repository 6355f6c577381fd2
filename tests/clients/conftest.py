"""Fixtures: the real socket.io-client, over each of its transports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from tests.support.node import NodeClient, NodeDriver
from tests.support.tokens import ALICE

ConnectNode = Callable[..., Awaitable[NodeClient]]

TRANSPORTS: dict[str, dict[str, Any]] = {
    "polling": {"transports": ["polling"]},
    "websocket": {"transports": ["websocket"]},
    "upgrade": {"transports": ["polling", "websocket"]},
}


@pytest.fixture(params=list(TRANSPORTS))
def transport(request: pytest.FixtureRequest) -> str:
    """How the client connects; `upgrade` begins with polling and goes on with WebSocket."""
    name: str = request.param
    return name


@pytest.fixture
async def connect_node(server: TestServer, node: NodeDriver) -> ConnectNode:
    """Return a function that connects a socket to a namespace of `server` or of another URL."""

    async def connect(
        namespace: str = "/circles",
        token: str | None = ALICE,
        transport: str = "websocket",
        url: str = "",
        **options: Any,
    ) -> NodeClient:
        auth = {} if token is None else {"auth": {"token": token}}
        base = url or str(server.make_url(""))
        client = node.open(base, namespace, **TRANSPORTS[transport], **auth, **options)
        await client.moment("connect")
        if transport == "upgrade":
            await client.moment("upgrade")
        return client

    return connect
