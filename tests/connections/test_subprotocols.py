"""A token as a subprotocol, the only header in which browsers can send one."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser

from tests.fixtures.logs import Logs
from tests.fixtures.node import ConnectNode
from tests.plain.conftest import Open, open_plain
from tests.support.raw import raw_websocket
from tests.support.server import ListenerServer
from tests.support.tokens import ALICE, BOB
from tests.web.conftest import browser, chromium

__all__ = ["browser", "chromium", "open_plain"]  # fixtures

OPEN = """([url, protocols]) => new Promise((resolve) => {
  const socket = new WebSocket(url, protocols);
  socket.onmessage = ({ data }) => resolve([socket.protocol, data]);
  socket.onerror = () => resolve(["failed", ""]);
})"""
OFFERS: dict[str, tuple[list[str], str]] = {
    "behind a name": (["bearer", ALICE], "bearer"),
    "by itself": ([f"access_token.{ALICE}"], f"access_token.{ALICE}"),
    "with a name": (["hearth", f"access_token.{ALICE}"], "hearth"),
}


@pytest.mark.parametrize(("offered", "selected"), OFFERS.values(), ids=OFFERS.keys())
async def test_a_plain_client_is_whom_its_subprotocol_proves(
    open_plain: Open, logs: Logs, offered: list[str], selected: str
) -> None:
    plain = await open_plain(token=BOB, protocols=offered)  # not the query's: it comes last
    assert (await plain.read())["data"]["user_id"] == "alice"
    assert plain.socket.protocol == selected
    assert not any(ALICE in str(line) for line in logs.lines)


@pytest.mark.parametrize(("offered", "selected"), OFFERS.values(), ids=OFFERS.keys())
@pytest.mark.parametrize("fast", [True, False])
async def test_a_handshake_is_answered_with_the_name(
    server: TestServer, offered: list[str], selected: str, fast: bool
) -> None:
    assert isinstance(server, ListenerServer)
    async with raw_websocket(server) as socket:
        answer = await socket.request(
            *("GET", "/socket.io/?EIO=4&transport=websocket", "Connection: Upgrade"),
            *("Upgrade: websocket", "Sec-WebSocket-Version: 13"),
            *("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",),
            f"Sec-WebSocket-Protocol: {', '.join(offered)}",
            *([] if fast else ["Content-Length: 0"]),  # which is left to aiohttp
        )
        assert (answer.status, answer.headers["sec-websocket-protocol"]) == (101, selected)
        await socket.next()
        socket.write("40/circles,")
        assert '"user_id":"alice"' in str((await socket.until("42/circles,"))[-1])


@pytest.mark.parametrize(("offered", "selected"), OFFERS.values(), ids=OFFERS.keys())
async def test_a_stock_client_has_its_token_there(
    connect_node: ConnectNode, offered: list[str], selected: str
) -> None:
    client = await connect_node(token=None, protocols=offered)
    assert (await client.next("connection_ack"))["data"]["user_id"] == "alice"


async def test_who_offers_none_is_answered_with_none(open_plain: Open) -> None:
    plain = await open_plain()
    assert plain.socket.protocol is None


async def test_a_token_that_is_not_valid_is_refused_whatever_the_query_says(
    open_plain: Open,
) -> None:
    plain = await open_plain(token=ALICE, protocols=["bearer", "a.b.c"])
    assert await plain.refusal() == (4001, "unauthorized")


@pytest.mark.parametrize(("offered", "selected"), OFFERS.values(), ids=OFFERS.keys())
async def test_a_page_opens_a_websocket_with_it(
    server: TestServer, browser: Browser, offered: list[str], selected: str
) -> None:
    page = await browser.new_page()
    await page.goto(str(server.make_url("/healthz")))
    url = str(server.make_url("/ws/circles/dev-team").with_scheme("ws"))
    opened: list[Any] = await page.evaluate(OPEN, [url, offered])
    await page.close()
    assert opened[0] == selected
    assert '"user_id":"alice"' in opened[1]


@pytest.mark.parametrize("query", ["EIO=4&transport=polling", "EIO=3&transport=polling"])
async def test_an_answer_to_a_query_is_not_stored(
    server: TestServer, session: aiohttp.ClientSession, query: str
) -> None:
    async with session.get(server.make_url(f"/socket.io/?{query}&token={ALICE}")) as response:
        assert response.headers["Cache-Control"] == "no-store"
