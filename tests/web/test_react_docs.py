"""The page of `docs/clients-js.md`, built as it stands there, on two devices of one user."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, expect

from tests.fixtures.clients import Connect
from tests.fixtures.processes import Run
from tests.support.package import PAGE, output, see_that_it_is_made
from tests.support.ports import free_port
from tests.support.process import ROOT
from tests.support.redis import RedisServer
from tests.support.tokens import AGENT, ALICE, SERVICE
from tests.web.conftest import OpenConsole

# What a browser itself logs of a server that isn't there.
LOST = (r"WebSocket connection to .* failed", r"net::ERR_", r"Failed to load resource")
UNAVAILABLE = "The broker can't be reached"
# What is told where the server has closed the session before it could say more.
CLOSED = "The server can't reach its broker"
# Collects what the page's header says from now on.
WATCH = """() => {
  window.said = [];
  const header = document.querySelector("header");
  const options = { childList: true, characterData: true, subtree: true };
  new MutationObserver(() => said.push(header.textContent)).observe(header, options);
}"""
EXAMPLE = PAGE.parent
CHAT = "writer/app-1/chat-1"
DOCS = (ROOT / "docs/clients-js.md").read_text()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[str]:
    """The page, checked by TypeScript and built by Vite, at an origin of its own."""
    see_that_it_is_made()
    (program,) = re.findall(r"```tsx\n(.*?)```", DOCS, re.DOTALL)
    for name in ("package.json", "tsconfig.json", "vite.config.js", "index.html"):
        shutil.copy(EXAMPLE / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(EXAMPLE / "node_modules")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/main.tsx").write_text(program)
    await output("npm", "run", "--silent", "build", directory=tmp_path)
    app = web.Application()
    app.router.add_static("/", tmp_path / "dist")
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url("/index.html"))
    await server.close()


async def test_an_agent_streams_and_each_device_shows_the_same(
    open_console: OpenConsole, site: str, run: Run, connect: Connect
) -> None:
    server = await run(ALLOWED_ORIGINS=site.removesuffix("/index.html"))
    fragment = urlencode({"url": server.url, "token": ALICE})
    pages = [(await open_console(f"{site}#{fragment}")).page for _device in range(2)]
    for page in pages:
        await expect(page.locator("header")).to_have_text("You are alice, connected")
        await expect(page.get_by_role("status")).to_have_text("live")

    await pages[0].get_by_label("Text").fill("Tell me a story")
    await pages[0].get_by_role("button", name="Send").click()
    agent = await connect("/chat", AGENT, url=server.url)
    for index, delta in enumerate(("Once ", "upon ")):
        data = {"message_id": "m1", "index": index, "delta": delta}
        assert (await agent.request("chat_token", {"channel": CHAT, "data": data}))["ok"]
    await _all_show(pages, "alice Tell me a story", "agent-7 Once upon")
    data = {"message_id": "m1", "content": "Once upon a time."}
    assert (await agent.request("chat_message", {"channel": CHAT, "data": data}))["ok"]
    await _all_show(pages, "alice Tell me a story", "agent-7 Once upon a time.")

    service = await connect("/notifications", SERVICE, url=server.url)
    notice = {"channel": "user:alice", "data": {"title": "Done", "message": "Read it"}}
    assert (await service.request("notification", notice))["ok"]
    for page in pages:
        await expect(page.locator("summary")).to_have_text("1 unread")
    await pages[1].locator("summary").click()
    for page in pages:
        await expect(page.locator("summary")).to_have_text("0 unread")


async def test_it_says_that_the_server_is_gone_and_that_it_is_back(
    open_console: OpenConsole, site: str, run: Run
) -> None:
    settings = {"ALLOWED_ORIGINS": site.removesuffix("/index.html"), "PORT": str(free_port())}
    server = await run(**settings)
    fragment = urlencode({"url": server.url, "token": ALICE})
    page = (await open_console(f"{site}#{fragment}", expected=LOST)).page
    header = page.locator("header")
    await expect(header).to_have_text("You are alice, connected")
    await server.stop(signal.SIGKILL)
    await expect(header).to_contain_text(f"You are alice, {server.url} can't be reached")
    await run(**settings)
    await expect(header).to_have_text("You are alice, connected")


async def test_it_says_that_the_broker_is_away_until_it_is_back(
    open_console: OpenConsole, site: str, run: Run, redis_server: RedisServer
) -> None:
    origin = site.removesuffix("/index.html")
    server = await run(ALLOWED_ORIGINS=origin, REDIS_URL=redis_server.url)
    redis_server.stop()
    fragment = urlencode({"url": server.url, "token": ALICE})
    page = (await open_console(f"{site}#{fragment}", expected=(*LOST, UNAVAILABLE, CLOSED))).page
    header, status = page.locator("header"), page.get_by_role("status")
    for place in (header, status):
        await expect(place).to_contain_text(UNAVAILABLE)
    # What it says over further attempts, whichever way each of them ends.
    await page.evaluate(WATCH)
    attempts: list[str] = []
    page.on("request", lambda request: attempts.append(request.url))
    async with asyncio.timeout(60):
        while sum("sid=" not in url for url in attempts) < 3:
            await page.wait_for_event("request")
    assert set(await page.evaluate("said")) <= {await header.text_content()}
    redis_server.start()
    await expect(header).to_have_text("You are alice, connected", timeout=30_000)
    await expect(status).to_have_text("live", timeout=30_000)


async def _all_show(pages: list[Page], *texts: str) -> None:
    for page in pages:
        await expect(page.get_by_label("Chat").locator("li")).to_have_text(texts)
