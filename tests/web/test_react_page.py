"""The page of `examples/react` in a real browser, while its server goes and comes back."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Locator, Page, expect

from tests.fixtures.clients import Connect
from tests.fixtures.processes import Run
from tests.support.package import PAGE, see_that_it_is_made
from tests.support.ports import free_port
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE, BOB
from tests.web.conftest import OpenConsole

# What a browser itself logs of a server that isn't there.
LOST = (r"WebSocket connection to .* failed", r"net::ERR_", r"Failed to load resource")


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """The page as Vite has built it, served at an origin of its own."""
    see_that_it_is_made()
    app = web.Application()
    app.router.add_static("/", PAGE)
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url("/index.html"))
    await server.close()


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Text").fill(text)
    await page.get_by_role("button", name="Send", exact=True).click()


def lines(page: Page) -> Locator:
    return page.get_by_role("log").locator("li")


async def test_two_people_talk_in_it_while_the_server_is_restarted(
    open_console: OpenConsole, site: str, run: Run, redis_server: RedisServer
) -> None:
    origin = site.removesuffix("/index.html")
    settings = {"REDIS_URL": redis_server.url, "ALLOWED_ORIGINS": origin, "PORT": str(free_port())}
    server = await run(**settings)

    async def open_page(token: str) -> Page:
        fragment = urlencode({"url": server.url, "token": token})
        return (await open_console(f"{site}#{fragment}", expected=LOST)).page

    alice, bob = await open_page(ALICE), await open_page(BOB)
    for page in (alice, bob):
        await expect(page.get_by_role("status")).to_have_text("live")
    await expect(alice.locator("p").first).to_contain_text("alice, bob")
    await say(alice, "before")
    await expect(lines(bob)).to_have_text(["alice before"])

    await server.stop(signal.SIGKILL)
    for page in (alice, bob):
        await expect(page.get_by_role("status")).to_have_text("recovering")
    await say(alice, "meanwhile")
    await expect(lines(alice)).to_have_text(["alice before", "alice meanwhile"])
    await expect(lines(alice).nth(1)).to_have_class("pending")

    await run(**settings)
    told = ["alice before", "alice meanwhile", "bob after"]
    await expect(lines(bob)).to_have_text(told[:2])
    await say(bob, "after")
    for page in (alice, bob):
        await expect(lines(page)).to_have_text(told)
        await expect(page.locator("li.sent")).to_have_count(3)
        await expect(page.get_by_role("status")).to_have_text("live")


async def test_a_page_that_is_not_admitted_says_why(
    open_console: OpenConsole, site: str, run: Run
) -> None:
    server = await run()
    fragment = urlencode({"url": server.url, "token": ALICE})
    page = (await open_console(f"{site}#{fragment}", expected=(*LOST, "HearthError"))).page
    origin = site.removesuffix("/index.html")
    told = f"does not admit pages of {origin}; its ALLOWED_ORIGINS would"
    await expect(page.get_by_role("status")).to_contain_text(told)


async def test_a_page_without_a_server_says_that_it_cannot_be_reached(
    open_console: OpenConsole, site: str
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    fragment = urlencode({"url": url, "token": ALICE})
    page = (await open_console(f"{site}#{fragment}", expected=(*LOST, "HearthError"))).page
    await expect(page.get_by_role("status")).to_contain_text(f"{url} can't be reached")


async def test_older_messages_and_who_is_typing_are_shown(
    open_console: OpenConsole, site: str, run: Run, connect: Connect
) -> None:
    origin = site.removesuffix("/index.html")
    server = await run(ALLOWED_ORIGINS=origin)
    bob = await connect(url=server.url, token=BOB)
    await bob.join()
    for number in range(60):
        message = {"channel": "dev-team", "data": {"content": f"number {number}"}}
        assert (await bob.request("user_message", message))["ok"]
    fragment = urlencode({"url": server.url, "token": ALICE})
    page = (await open_console(f"{site}#{fragment}")).page
    await expect(lines(page)).to_have_count(50)
    await page.get_by_role("button", name="Older messages").click()
    await expect(lines(page)).to_have_count(60)
    await expect(lines(page).first).to_have_text("bob number 0")
    await expect(page.get_by_role("button", name="Older messages")).to_have_count(0)
    await bob.request("typing", {"channel": "dev-team", "data": {"typing": True}})
    await expect(page.get_by_text("bob …")).to_be_visible()
    await bob.request("typing", {"channel": "dev-team", "data": {"typing": False}})
    await expect(page.get_by_text("bob …")).to_have_count(0)
