"""The console's address: a reload or a link comes to the same place."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.tokens import token
from tests.web.conftest import BOB, SERVICE, OpenConsole

LOGS = "codeworm:logs"


async def test_a_reload_comes_back_to_channels_filters_and_the_message(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    bob = await connect(token=BOB, url=url)
    await bob.say("red", "green", "red again")
    service = await connect("/feeds", SERVICE, url=url)
    await service.request("log", {"channel": LOGS, "data": {"level": "info"}})
    console = await open_console(url, token=BOB)
    await console.shows()
    await console.join(LOGS, "/feeds")
    await console.page.get_by_role("button", name="dev-team", exact=True).click()
    await console.page.get_by_role("button", name="Dense").click()
    await console.find.fill("red")
    await console.choose("senders", "bob")
    await console.inspect(3)
    await console.page.reload()
    await console.shows()
    await expect(console.inspector).to_contain_text("#3")
    await expect(console.find).to_have_value("red")
    await expect(console.messages).to_have_count(2)
    await expect(console.page.locator("#senders summary")).to_have_text("bob")
    await expect(console.page.locator("#channels .channel-name")).to_have_text(["dev-team", LOGS])
    await expect(console.page.get_by_role("button", name="Dense")).to_have_attribute(
        "aria-pressed", "true"
    )
    address = await console.page.evaluate("location.href")
    assert address.endswith(
        f"#/circles/dev-team?sender=bob&find=red&view=dense&at=3&also=/feeds/{LOGS}"
    )


async def test_a_link_names_a_message_that_is_pages_ago(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    bob = await connect(token=BOB, url=url)
    await bob.say(*range(1, 131))
    console = await open_console(url, at="#/circles/dev-team?at=7")
    await expect(console.inspector.locator("pre")).to_contain_text('"content": "7"')
    await expect(console.messages.filter(has_text="#7").first).to_be_in_viewport()
    await expect(console.page.locator("#title")).to_be_in_viewport(ratio=1)
    script = "[document.documentElement, document.body].map((node) => node.scrollTop)"
    assert await console.page.evaluate(script) == [0, 0]


async def test_a_link_waits_for_the_token_that_it_does_not_hold(
    open_console: OpenConsole, serve: Serve
) -> None:
    server = await serve()
    console = await open_console(str(server.make_url("/")), at="#/circles/ops?find=red")
    await expect(console.page.get_by_role("button", name="Connect", exact=True)).to_be_enabled()
    await expect(console.state).to_have_text("disconnected")
    alice = token("alice", "user", "circles:*:rw")
    await console.connect("/feeds", alice)
    await console.shows("ops")
    await expect(console.find).to_have_value("red")
    assert alice not in await console.page.evaluate("location.href")


async def test_another_address_in_the_same_tab_is_followed(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(url)
    await console.shows()
    await console.page.evaluate("location.hash = '#/chat/demo/app/1?view=dense'")
    await console.shows("demo/app/1")
    await expect(console.page.get_by_role("button", name="Dense")).to_have_attribute(
        "aria-pressed", "true"
    )
    await console.page.evaluate("location.hash = '#/circles/dev-team?find=x'")
    await console.shows()
    await expect(console.find).to_have_value("x")


NOTHING: dict[str, Any] = {"types": [], "senders": [], "find": "", "layout": None, "at": None}


@pytest.mark.parametrize(
    ("channel", "view"),
    [
        ("demo/app/1", {}),
        ("équipe Süd", {"types": ["a.b", "c"], "senders": ["auth0|5f7c", "ann+x@example.com"]}),
        ("100 % & more? #1 = ünï/日本語 +", {"find": "a & b = c? #%+", "at": 7, "layout": "dense"}),
        ("codeworm:logs", {"layout": "read", "find": "?at=1&also=/x/y"}),
    ],
)
async def test_any_name_stands_in_an_address_and_is_read_again(
    open_console: OpenConsole, url: str, channel: str, view: dict[str, Any]
) -> None:
    console = await open_console(url)
    address = {
        "selected": {"namespace": "/chat", "channel": channel},
        "also": [{"namespace": "/circles", "channel": channel}],
        "view": NOTHING | view,
    }
    script = """async (address) => {
      const { readAddress, writeAddress } = await import("/console/address.js");
      // As a browser keeps it.
      return readAddress(new URL(writeAddress(address), location.href).hash);
    }"""
    assert await console.page.evaluate(script, address) == address


@pytest.mark.parametrize("written", ["", "#", "#x", "#/circles", "#/circles/%", "#?at=1"])
async def test_an_address_that_says_nothing_is_none(
    open_console: OpenConsole, url: str, written: str
) -> None:
    console = await open_console(url)
    script = """async (hash) => {
      const { readAddress } = await import("/console/address.js");
      return readAddress(hash).selected;
    }"""
    assert await console.page.evaluate(script, written) is None
