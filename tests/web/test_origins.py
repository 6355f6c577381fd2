"""A page with the stock client, from another origin: it talks, or it can say why it may not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from tests.fixtures.logs import Logs
from tests.fixtures.processes import Run
from tests.fixtures.servers import Serve
from tests.support.tokens import ALICE
from tests.web.conftest import CLIENT, OpenConsole

# Ten lines, as somebody writes them who has just made a page with Vite.
FIRST_PAGE = """
import { io } from "/socket.io.js";
const socket = io(`${window.server}/circles`, window.options);
socket.on("connect", () => {
  socket.emit("join", { channel: "dev-team" }, () => {
    const data = { agent_id: "bot", content: "Hello" };
    socket.emit("agent_message", { channel: "dev-team", data }, (ack) => (window.ack = ack));
  });
});
socket.on("agent_message", ({ data }) => (document.body.textContent = data.content));
socket.on("connect_error", (error) => (window.refused = error.context?.responseText ?? ""));
"""


@pytest.fixture
async def site() -> AsyncIterator[TestServer]:
    """A page on this machine, on a port of its own."""

    async def page(_request: web.Request) -> web.Response:
        text = '<!doctype html><link rel="icon" href="data:,"><body></body>'
        return web.Response(text=text, content_type="text/html")

    async def client(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(CLIENT)

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/socket.io.js", client)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


@pytest.fixture
async def page(browser: Browser, site: TestServer) -> AsyncIterator[Page]:
    """The page in Chromium."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"http://localhost:{site.port}/")
    yield page
    await context.close()


async def run_first_page(page: Page, server: str, **options: Any) -> None:
    """Run the script of the page against a server."""
    await page.evaluate(
        "([server, options]) => Object.assign(window, {server, options})", [server, options]
    )
    await page.add_script_tag(content=FIRST_PAGE, type="module")


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
async def test_a_first_page_talks_to_a_server_without_settings(
    page: Page, run: Run, transports: list[str]
) -> None:
    process = await run(AUTH_SECRET="")
    port = process.url.rpartition(":")[2]
    await run_first_page(page, f"http://localhost:{port}", transports=transports)
    await expect(page.locator("body")).to_have_text("Hello")
    assert (await page.evaluate("window.ack"))["ok"]
    assert [line for line in process.log if line.get("event") == "refused"] == []


async def test_a_page_that_is_not_admitted_reads_why_by_polling(
    page: Page, serve: Serve, logs: Logs
) -> None:
    server = await serve()
    await run_first_page(page, f"http://localhost:{server.port}", auth={"token": ALICE})
    await page.wait_for_function("window.refused")
    refused = json.loads(await page.evaluate("window.refused"))
    assert (refused["code"], refused["message"]) == (4, "Forbidden")
    assert refused["error"]["reason"] == "origin"
    origin = await page.evaluate("location.origin")
    assert origin in refused["error"]["message"]
    line = logs.refusals()[0]
    assert line["admitted_by"] == f"ALLOWED_ORIGINS={origin}"
    assert line["address"] == "127.0.0.1"


@pytest.mark.parametrize("path", ["/socket.io/?EIO=4&transport=websocket", "/ws/circles/a"])
async def test_a_page_whose_websocket_was_refused_asks_why_by_fetch(
    page: Page, serve: Serve, path: str
) -> None:
    server = await serve()
    reason = await page.evaluate(
        """async (address) => {
          const socket = new WebSocket(address.replace("http", "ws"));
          await new Promise((resolve) => (socket.onclose = resolve));
          const answer = await fetch(address);
          return (await answer.json()).error.reason;
        }""",
        f"http://localhost:{server.port}{path}",
    )
    assert reason == "origin"


async def test_a_page_that_is_allowed_talks(page: Page, serve: Serve, site: TestServer) -> None:
    server = await serve(allowed_origins=(f"HTTP://LOCALHOST:{site.port}/",))
    reason = await page.evaluate(
        "async (address) => (await (await fetch(address)).json()).error.reason",
        f"http://localhost:{server.port}/socket.io/?EIO=4&transport=websocket",
    )
    assert reason == "upgrade"


async def test_the_console_works_whatever_is_allowed(
    open_console: OpenConsole, serve: Serve
) -> None:
    server = await serve(allowed_origins=("https://app.example.com",))
    console = await open_console(str(server.make_url("/")))
    await console.connect(token=ALICE)
    await expect(console.state).to_have_text("connected")
    await console.join()
    await console.say("Hello")
    await expect(console.texts).to_have_text(["Hello"])
