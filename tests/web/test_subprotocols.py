"""Pages bring a token as a subprotocol, for browsers let them set no headers of a WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page

from tests.support.tokens import ALICE, BOB

FIRST_MESSAGE = """([path, protocols]) => new Promise((resolve) => {
  const socket = new WebSocket(path.replace(/^http/, "ws"), protocols);
  socket.onmessage = ({ data }) => resolve([socket.protocol, data]);
  socket.onclose = ({ code }) => resolve([socket.protocol, `closed ${code}`]);
})"""
OFFERS = {
    "behind a name": (["bearer", ALICE], "bearer"),
    "behind two": (["hearth", "bearer", ALICE], "bearer"),
    "alone": ([f"access_token.{ALICE}"], f"access_token.{ALICE}"),
    "beside a name": (["hearth", f"access_token.{ALICE}"], "hearth"),
}


@pytest.fixture
async def page(browser: Browser, server: TestServer) -> AsyncIterator[Page]:
    """A page of the server's own origin."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(str(server.make_url("/healthz")))
    yield page
    await context.close()


@pytest.mark.parametrize(("protocols", "selected"), OFFERS.values(), ids=OFFERS.keys())
async def test_a_page_brings_its_token(
    page: Page, server: TestServer, protocols: list[str], selected: str
) -> None:
    for path in ("/ws/circles/hall", f"/ws/circles/hall?token={BOB}"):
        url = str(server.make_url(path))
        protocol, data = await page.evaluate(FIRST_MESSAGE, [url, protocols])
        assert protocol == selected
        assert '"user_id":"alice"' in data


async def test_engine_io_selects_it_too(page: Page, server: TestServer) -> None:
    url = str(server.make_url("/socket.io/?EIO=4&transport=websocket"))
    protocol, data = await page.evaluate(FIRST_MESSAGE, [url, ["bearer", ALICE]])
    assert protocol == "bearer"
    assert data.startswith("0{")


async def test_the_first_is_selected_where_none_is_a_token(page: Page, server: TestServer) -> None:
    url = str(server.make_url(f"/ws/circles/hall?token={ALICE}"))
    protocol, data = await page.evaluate(FIRST_MESSAGE, [url, ["graphql-ws"]])
    assert protocol == "graphql-ws"  # or the browser would give up
    assert '"user_id":"alice"' in data
