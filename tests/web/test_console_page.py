"""The console as a page: what it keeps, how it fits, what it offers."""

from __future__ import annotations

from typing import Any

from aiohttp.test_utils import TestServer
from playwright.async_api import Page, expect

from app.core.channel import Channel
from schemas.catalogue import CUSTOM_TYPES, standard_registry
from tests.fixtures.servers import Start
from tests.support.prefix import PrefixProxy
from tests.web.conftest import BOB, OpenConsole


async def test_the_token_is_kept_for_this_tab_only(open_console: OpenConsole, url: str) -> None:
    console = await open_console(url)
    await console.page.get_by_role("button", name="Disconnect").click()
    await console.connect(token=BOB)
    await expect(console.page.locator("#identity")).to_contain_text("bob user")
    await console.page.reload()
    await expect(console.page.locator("#identity")).to_contain_text("bob user")
    assert BOB not in await console.page.evaluate("location.href")
    assert await console.page.evaluate("localStorage.length") == 0
    assert await console.page.evaluate("document.cookie") == ""


async def test_on_a_phone_the_sidebar_gives_way_to_the_channel(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(url, viewport={"width": 375, "height": 740})
    await console.shows()
    await expect(console.page.locator("#sidebar")).to_be_hidden()
    await console.say("from the train")
    await expect(console.texts).to_have_text(["from the train"])
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await console.page.evaluate(overflow) == 0
    await console.page.get_by_role("button", name="Open the menu").click()
    await expect(console.members).to_be_visible()
    await console.page.get_by_role("button", name="dev-team", exact=True).click()
    await expect(console.page.locator("#sidebar")).to_be_hidden()


async def test_the_types_to_choose_from_are_those_of_the_schemas(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(url)
    script = "import('/console/catalogue.js').then((module) => module.NAMESPACES)"
    namespaces: list[dict[str, Any]] = await console.page.evaluate(script)
    registry = standard_registry()
    assert [namespace["name"] for namespace in namespaces] == list(registry.namespaces)
    listed = {
        (namespace["name"], one["name"]): one
        for namespace in namespaces
        for one in namespace["types"]
    }
    publishable = {
        (one.namespace, one.name): one
        for one in registry
        if one.publishers and one not in CUSTOM_TYPES
    }
    assert listed.keys() == publishable.keys()
    for key, message_type in publishable.items():
        shown = listed[key]
        assert set(shown["publishers"]) == message_type.publishers
        payload = {shown[name]: "text" for name in ("text", "ownId") if name in shown}
        message_type.load(shown.get("template", payload))
    for namespace in namespaces:
        registry.check_channel(Channel(namespace["name"], namespace["channel"]))


async def test_the_page_works_under_a_prefix_that_a_proxy_strips(
    open_console: OpenConsole, start_server: Start, url: str
) -> None:
    proxy = await start_server(PrefixProxy(url, "/hearth/").application(), TestServer)
    asked: list[str] = []

    async def watch(page: Page) -> None:
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))

    console = await open_console(
        str(proxy.make_url("/hearth/")), prepare=watch, at="#/circles/dev-team"
    )
    await console.shows()
    await console.say("from below")
    await expect(console.texts).to_have_text(["from below"])
    await expect(console.page.locator("#transport")).to_have_text("websocket")
    await expect(console.page.locator("#directory-hint")).to_have_text("You are in all of them.")
    assert [one for one in asked if "/hearth/" not in one] == []
