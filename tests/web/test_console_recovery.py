"""The console loses its connection, comes back, and shows what it missed."""

from __future__ import annotations

import re

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, expect

from app.app_keys import SERVER
from tests.fixtures.clients import Connect
from tests.fixtures.processes import Run
from tests.fixtures.servers import Serve
from tests.support.ports import free_port
from tests.web.conftest import BOB, OpenConsole
from tests.web.page import ConsolePage


async def install_clock(page: Page) -> None:
    await page.clock.install()


@pytest.fixture
async def console(open_console: OpenConsole, url: str) -> ConsolePage:
    """A console in `dev-team`, whose clock is stopped."""
    console = await open_console(url, prepare=install_clock)
    await console.shows()
    await console.stop_the_clock()
    return console


async def test_a_dropped_connection_comes_back_and_shows_what_it_missed_as_such(
    console: ConsolePage, connect: Connect, url: str
) -> None:
    writer = await connect(token=BOB, url=url)
    await writer.say("before")
    await expect(console.texts).to_have_text(["before"])
    await console.drop_button.click()
    await expect(console.countdown).to_have_text("Dropped; back in 5 s")
    await expect(console.page.get_by_role("button", name="Send")).to_be_disabled()
    await writer.say("missed 1", "missed 2")
    await console.page.clock.run_for(1000)
    await expect(console.countdown).to_have_text("Dropped; back in 4 s")
    await expect(console.texts).to_have_text(["before"])
    await console.come_back()
    await expect(console.notes).to_have_text(["Back again: recovered 2 messages, #2 to #3"])
    await expect(console.state).to_have_text("connected")
    await writer.say("after")
    await expect(console.texts).to_have_text(["before", "missed 1", "missed 2", "after"])
    await expect(console.recovered).to_have_text(["missed 1", "missed 2"])
    await expect(console.page.get_by_title("Missed while away, and recovered")).to_have_count(2)


async def test_offsets_and_what_was_recovered_are_also_told_to_who_does_not_see(
    console: ConsolePage, connect: Connect, url: str
) -> None:
    writer = await connect(token=BOB, url=url)
    await writer.say("before")
    await expect(console.texts).to_have_text(["before"])
    await console.drop_button.click()
    await expect(console.state).to_contain_text("dropped, back in 5 seconds")
    await writer.say("missed")
    await console.come_back()
    await expect(console.notes).to_have_text(["Back again: recovered 1 message, #2"])
    # What is for the eye alone isn't in this.
    told = await console.page.get_by_role("log").aria_snapshot()
    assert re.search(r"before.*recovered.*offset #2.*missed", told.replace("\n", " "))
    assert re.search(r"offset #1\b", told)
    assert len(re.findall(r"recovered", told)) == len(["of the note", "of the message"])


async def test_the_button_keeps_the_focus_and_drops_once(console: ConsolePage) -> None:
    await console.drop_button.press("Enter")
    await expect(console.countdown).to_have_text("Dropped; back in 5 s")
    await expect(console.drop_button).to_be_disabled()
    await console.page.clock.run_for(2000)
    await console.page.keyboard.press("Enter")
    await expect(console.countdown).to_have_text("Dropped; back in 3 s")
    await console.come_back()
    await expect(console.state).to_have_text("connected")
    await expect(console.drop_button).to_be_enabled()
    await expect(console.drop_button).to_be_focused()
    await expect(console.notes).to_have_text(["Back again: nothing was missed"])


async def test_who_disconnects_while_dropped_stays_away(console: ConsolePage) -> None:
    await console.drop_button.click()
    await expect(console.countdown).to_be_visible()
    await console.page.get_by_role("button", name="Disconnect").click()
    await expect(console.state).to_have_text("disconnected")
    await console.page.clock.run_for(10_000)
    await expect(console.state).to_have_text("disconnected")
    await expect(console.drop_button).to_be_hidden()


async def test_on_a_phone_the_menu_makes_way_for_what_dropping_shows(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(
        url, prepare=install_clock, viewport={"width": 375, "height": 740}, reduced_motion="reduce"
    )
    await console.shows()
    await console.stop_the_clock()
    await console.page.get_by_role("button", name="Open the menu").click()
    await console.drop_button.click()
    await expect(console.page.locator("#sidebar")).to_be_hidden()
    await expect(console.countdown).to_be_in_viewport(ratio=1)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await console.page.evaluate(overflow) == 0


async def test_a_network_that_is_still_down_is_waited_for(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(url, ("ERR_INTERNET_DISCONNECTED",), prepare=install_clock)
    await console.shows()
    await console.stop_the_clock()
    await console.drop_button.click()
    await expect(console.countdown).to_be_visible()
    await console.page.context.set_offline(True)
    await console.come_back()
    await expect(console.connection_error).to_contain_text("be reached.")
    await console.waits()
    await console.page.context.set_offline(False)
    await expect(console.state).to_have_text("connected")


async def test_what_history_no_longer_holds_is_told_by_its_offsets(
    open_console: OpenConsole, connect: Connect, serve: Serve
) -> None:
    server = await serve(auth_mode="none", auth_secret=None, history_size=2)
    url = str(server.make_url("/"))
    console = await open_console(url, prepare=install_clock)
    await console.shows()
    writer = await connect(token=BOB, url=url)
    await writer.say("1")
    await expect(console.texts).to_have_text(["1"])
    await console.stop_the_clock()
    await console.drop_button.click()
    await expect(console.countdown).to_be_visible()
    await writer.say("2", "3", "4", "5", "6")
    await console.come_back()
    await expect(console.notes).to_have_text(
        ["Back again: recovered 2 messages, #5 to #6; #2 to #4 are no longer in history"]
    )
    await expect(console.texts).to_have_text(["1", "5", "6"])
    await expect(console.recovered).to_have_text(["5", "6"])
    await expect(console.page.locator(".retired")).to_have_count(0)


async def test_what_was_missed_while_away_is_shown_exactly_once(
    open_console: OpenConsole, connect: Connect, development: TestServer, url: str
) -> None:
    console = await open_console(url, expected=("ERR_INTERNET_DISCONNECTED",))
    await console.shows()
    await console.say("before")
    await expect(console.texts).to_have_text(["before"])
    # Offline for what is opened from now on, and cut off from what was.
    await console.page.context.set_offline(True)
    engine = development.app[SERVER].eio
    await engine.disconnect()
    await console.waits()
    writer = await connect(token=BOB, url=url)
    for content in ("missed 1", "missed 2"):
        await writer.request("user_message", {"channel": "dev-team", "data": {"content": content}})
    await console.page.context.set_offline(False)
    await expect(console.notes).to_have_text(["Back again: recovered 2 messages, #2 to #3"])
    await expect(console.state).to_have_text("connected")
    await console.say("after")
    await expect(console.texts).to_have_text(["before", "missed 1", "missed 2", "after"])


async def test_a_page_says_when_the_history_was_lost(
    open_console: OpenConsole, connect: Connect, run: Run
) -> None:
    settings = {"PORT": str(free_port()), "AUTH_MODE": "none", "AUTH_SECRET": ""}
    first = await run(**settings)
    expected = ("ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION_(REFUSED|RESET|CLOSED)")
    console = await open_console(first.url, expected)
    await console.shows()
    await console.say("of the first life")
    await expect(console.texts).to_have_text(["of the first life"])
    await console.page.context.set_offline(True)
    await first.stop()
    await console.waits()
    second = await run(**settings)
    writer = await connect(token=None, url=second.url)
    data = {"content": "of the second life"}
    await writer.request("user_message", {"channel": "dev-team", "data": data})
    await console.page.context.set_offline(False)
    await expect(console.notes).to_have_text(["History was lost; showing the newest"])
    await expect(console.texts).to_have_text(["of the first life", "of the second life"])
    await expect(console.page.locator(".message.retired .text")).to_have_text("of the first life")
    await expect(console.recovered).to_have_count(0)
