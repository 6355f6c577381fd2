"""The console's session: several namespaces, one connection, and how it tells of losing it."""

from __future__ import annotations

import re

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, WebSocket, expect

from app.app_keys import SERVER
from app.core.identity import parse_grants
from tests.fixtures.clients import Connect
from tests.fixtures.proxies import Through
from tests.fixtures.servers import Serve, Start
from tests.support.prefix import PrefixProxy
from tests.support.tokens import ALICE
from tests.web.conftest import BOB, SERVICE, OpenConsole

LOGS = "codeworm:logs"


async def install_clock(page: Page) -> None:
    await page.clock.install()


async def test_channels_of_several_namespaces_share_one_connection(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    sockets: list[WebSocket] = []

    async def count(page: Page) -> None:
        def add(socket: WebSocket) -> None:
            sockets.append(socket)  # a method of a list itself isn't taken

        page.on("websocket", add)

    console = await open_console(
        url, prepare=count, at=f"#/circles/dev-team?also=/feeds/{LOGS}&also=/chat/demo/app/1"
    )
    await console.shows()
    await expect(console.page.locator("#channels .channels-of")).to_have_text(
        ["/circles", "/feeds", "/chat"]
    )
    service = await connect("/feeds", SERVICE, url=url)
    await service.request("log", {"channel": LOGS, "data": {"message": "started"}})
    await expect(console.page.get_by_label("1 unread")).to_be_visible()
    bob = await connect(token=BOB, url=url)
    await bob.say("Hello")
    await expect(console.texts).to_have_text(["Hello"])
    await console.page.keyboard.press("]")
    await console.shows(LOGS)
    await expect(console.messages).to_contain_text(["started"])
    assert len(sockets) == 1


async def test_all_channels_come_back_after_a_loss(
    open_console: OpenConsole, connect: Connect, development: TestServer, url: str
) -> None:
    console = await open_console(url, at=f"#/circles/dev-team?also=/feeds/{LOGS}")
    await expect(console.page.locator("#channels .channels-of")).to_have_count(2)
    await development.app[SERVER].eio.disconnect()
    await expect(console.notes).to_have_text(["Back again: nothing was missed"])
    service = await connect("/feeds", SERVICE, url=url)
    await service.request("log", {"channel": LOGS, "data": {"message": "after"}})
    await expect(console.page.get_by_label("1 unread")).to_be_visible()


async def test_the_next_attempt_is_counted_down_to_with_its_reason(
    open_console: OpenConsole, through: Through, development: TestServer
) -> None:
    way = await through(str(development.make_url("")))
    console = await open_console(
        way.url, ("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "WebSocket"), prepare=install_clock
    )
    await console.shows()
    await console.stop_the_clock()
    await way.close()
    await console.waits()
    await expect(console.countdown).to_have_text(re.compile(r"^Reconnecting in \d+ s$"))
    await expect(console.connection_error).to_contain_text("lost")
    [left] = re.findall(r"\d+", await console.countdown.inner_text())
    for second in range(int(left) - 1, 0, -1):
        await console.page.clock.run_for(1000)
        await expect(console.countdown).to_have_text(f"Reconnecting in {second} s")
    await console.page.clock.resume()
    await expect(console.connection_error).to_contain_text("be reached.")
    await console.waits()
    await console.page.get_by_role("button", name="Disconnect").click()
    await expect(console.state).to_have_text("disconnected")


async def test_who_does_not_want_to_wait_tries_now(
    open_console: OpenConsole, development: TestServer, url: str
) -> None:
    console = await open_console(url, prepare=install_clock)
    await console.shows()
    await console.stop_the_clock()
    await development.app[SERVER].eio.disconnect()
    await console.waits()
    await console.page.get_by_role("button", name="Try now").click()
    await expect(console.state).to_have_text("connected")
    await expect(console.page.get_by_role("button", name="Disconnect")).to_be_focused()


async def test_the_round_trip_is_measured(open_console: OpenConsole, url: str) -> None:
    console = await open_console(url)
    await console.shows()
    latency = console.page.locator("#latency")
    await expect(latency).to_have_text(re.compile(r"^\d+(\.\d)? ms$"))
    await expect(latency).to_have_attribute("title", re.compile("Round trip; median .* ms"))
    await console.page.get_by_role("button", name="Disconnect").click()
    await expect(latency).to_have_text("\u2013")


async def test_where_a_token_is_needed_the_page_waits_for_one(
    open_console: OpenConsole, serve: Serve
) -> None:
    server = await serve()
    sockets: list[str] = []

    async def watch(page: Page) -> None:
        page.on("request", lambda request: sockets.append(request.url))

    console = await open_console(str(server.make_url("/")), prepare=watch)
    await expect(console.page.get_by_role("button", name="Connect", exact=True)).to_be_enabled()
    await expect(console.state).to_have_text("disconnected")
    assert not [url for url in sockets if "socket.io/?" in url]


# The server takes the page for another site's where its proxy hides by which name it was asked. All
# of it is refused, or, where only Socket.IO's paths have lines of their own, what it sends.
@pytest.mark.parametrize("hides_host", ["", "socket.io/"])
async def test_a_page_that_the_server_does_not_admit_says_so_and_does_not_try_again(
    open_console: OpenConsole, serve: Serve, start_server: Start, hides_host: str
) -> None:
    server = await serve()
    proxy = PrefixProxy(str(server.make_url("/")), "/", hides_host=hides_host)
    site = await start_server(proxy.application(), TestServer)
    console = await open_console(str(site.make_url("/")), ("403", "WebSocket"), token=ALICE)
    await expect(console.state).to_have_text("refused: origin")
    await expect(console.connection_error).to_contain_text("ALLOWED_ORIGINS")


async def test_strangers_who_are_let_in_need_no_token(
    open_console: OpenConsole, serve: Serve
) -> None:
    server = await serve(anonymous_grants=parse_grants(["circles:lobby:r"]))
    console = await open_console(str(server.make_url("/")), at="#/circles/lobby")
    await console.shows("lobby")
    await expect(console.page.locator("#identity")).to_contain_text("anonymous-")
