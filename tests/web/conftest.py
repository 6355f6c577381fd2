"""Fixtures: a real browser, and the console in it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, async_playwright, expect

from app.auth import DEVELOPMENT_SECRET
from tests.fixtures.processes import Run
from tests.fixtures.servers import Serve, Start
from tests.support.chromium import Chromium
from tests.support.tokens import token
from tests.web.page import ConsolePage

PATIENCE_MS = 20_000
CLIENT = Path(__file__).parents[2] / "app/web/console/vendor/socket.io.esm.min.js"
# Tokens that a server in development mode believes.
BOB = token("bob", "user", "*:*:rw", secret=DEVELOPMENT_SECRET)
AGENT = token("agent-7", "agent", "*:*:rw", secret=DEVELOPMENT_SECRET)
SERVICE = token("ci", "service", "*:*:rw", secret=DEVELOPMENT_SECRET)

OpenConsole = Callable[..., Awaitable[ConsolePage]]

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A headless Chromium for the pages of all tests."""
    # What drives it is a large program in Node, started by each test and compiled by the first.
    os.environ["NODE_COMPILE_CACHE"] = str(tmp_path_factory.mktemp("compiled"))
    chromium = Chromium()
    yield chromium
    chromium.close()


@pytest.fixture
async def browser(chromium: Chromium) -> AsyncIterator[Browser]:
    """The way to Chromium."""
    async with async_playwright() as playwright:
        yield await playwright.chromium.connect_over_cdp(chromium.url)


@pytest.fixture
async def open_console(
    browser: Browser, start_server: Start, run: Run
) -> AsyncIterator[OpenConsole]:
    """Return a function that opens the console of a server, in a browser profile of its own.

    Its arguments: the URL; `expected`, as `ConsolePage` takes it; `prepare`, awaited with the page
    before anything is loaded; `token`, which the tab has kept; `at`, what follows in the address;
    further ones as `browser.new_context` takes them. A server in development mode lets the page in
    by itself. In the end, before servers are closed, no page may have logged an error that wasn't
    expected.
    """
    assert CLIENT.exists(), "the console needs its client: make console"
    consoles: list[ConsolePage] = []

    async def open_page(
        url: str,
        expected: tuple[str, ...] = (),
        prepare: Callable[[Page], Awaitable[object]] | None = None,
        token: str = "",
        at: str = "",
        **options: object,
    ) -> ConsolePage:
        context = await browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        console = ConsolePage(page, expected)
        consoles.append(console)
        if prepare is not None:
            await prepare(page)
        if token:
            await page.add_init_script(f"sessionStorage.setItem('hearth.token', '{token}')")
        await page.goto(url + at)
        return console

    yield open_page
    for console in consoles:
        await console.page.context.close()
    assert [text for console in consoles for text in console.unexpected] == []


@pytest.fixture
async def development(serve: Serve) -> TestServer:
    """A server that admits everybody, as one on a developer's machine does."""
    return await serve(auth_mode="none", auth_secret=None)


@pytest.fixture
def url(development: TestServer) -> str:
    """The URL of `development`."""
    return str(development.make_url("/"))
