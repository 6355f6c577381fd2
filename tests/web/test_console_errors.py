"""The console tells what goes wrong, in words, and where it went wrong."""

from __future__ import annotations

from typing import Any

from aiohttp.test_utils import TestServer
from playwright.async_api import Page, expect

from app.app_keys import SERVER
from schemas.envelope import notice
from tests.fixtures.servers import Serve
from tests.support.tokens import token
from tests.web.conftest import OpenConsole


async def test_what_is_wrong_with_a_payload_stands_by_the_form(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(url)
    await console.shows()
    await console.send_json("typing", "{")
    await expect(console.send_error).to_contain_text("The payload is not JSON")
    await console.send_json("typing", '{"typing": "yes"}')
    await expect(console.send_error.locator(".error-code")).to_have_text("invalid")
    await expect(console.send_error.locator("li")).to_contain_text("data.typing")
    await console.send_json("typing", '{"typing": true}')
    await expect(console.send_error).to_be_hidden()


async def test_a_token_that_only_reads_is_told_that_it_may_not_publish(
    open_console: OpenConsole, serve: Serve
) -> None:
    server = await serve()
    console = await open_console(str(server.make_url("/")))
    await console.connect(token=token("alice", "user", "circles:dev-*:r"))
    await console.join()
    await console.say("Hello?")
    await expect(console.send_error).to_contain_text("forbidden")
    await expect(console.page.get_by_label("Text", exact=True)).to_have_value("Hello?")
    await console.page.get_by_label("Channel", exact=True).fill("secret")
    await console.page.get_by_role("button", name="Join", exact=True).click()
    await expect(console.join_error).to_contain_text("forbidden")


async def test_who_is_refused_reads_why_and_may_try_again(
    open_console: OpenConsole, serve: Serve
) -> None:
    server = await serve()
    console = await open_console(str(server.make_url("/")))
    await console.connect()
    await expect(console.state).to_have_text("refused: unauthorized")
    await expect(console.connection_error).to_contain_text("unauthorized A valid token is needed.")
    await console.connect(token=token("alice", "user", "circles:dev-*:rw"))
    await expect(console.state).to_have_text("connected")
    await expect(console.connection_error).to_be_hidden()


async def test_error_events_are_shown(
    open_console: OpenConsole, development: TestServer, url: str
) -> None:
    console = await open_console(url)
    await console.shows()
    await console.page.get_by_role("button", name="Leave dev-team").click()
    await console.shows("No channel")

    def emit(code: str) -> None:
        manager = development.app[SERVER].manager
        error = {"code": code, "message": "Something happened."}
        envelope = notice("error", error, "2026-11-20T12:00:00.000Z") | {"error": error}
        for sid, _ in manager.get_participants("/circles", None):
            client = manager.client("/circles", sid)
            assert client is not None
            client.post("error", envelope)

    emit("internal")
    await expect(console.connection_error).to_contain_text("internal Something happened.")
    await console.join()
    emit("rate_limited")
    await expect(console.notes).to_contain_text(["rate_limited Something happened."])
    await console.notes.get_by_role("button", name="Raw").click()
    await expect(console.inspector.locator("pre")).to_contain_text('"code": "rate_limited"')


async def test_a_room_is_joined_again_as_long_as_what_fails_is_temporary(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(url)
    script = """async (errors) => {
      const { RequestError } = await import("/console/errors.js");
      const { rejoin } = await import("/console/membership.js");
      const told = [];
      const channel = {
        name: "dev-team",
        async join() {
          throw new RequestError({ message: "No.", retry_after: 0.001, ...errors[told.length] });
        },
      };
      await new Promise((resolve) => {
        const stream = {
          error({ code }) {
            if (told.push(code) === errors.length) resolve();
          },
        };
        const room = { channel, stream };
        void rejoin({ connected: true }, { get: () => room }, room);
      });
      return told;
    }"""
    errors: list[dict[str, Any]] = [
        *({"code": code} for code in ("rate_limited", "unavailable", "internal")),
        *({"code": "forbidden", "temporary": True}, {"code": "no_answer", "temporary": True}),
        {"code": "internal", "temporary": False},
    ]
    told = [error["code"] for error in errors]
    assert await console.page.evaluate(script, errors) == told
    script = """async (errors) => {
      const { isTemporary } = await import("/console/errors.js");
      return errors.map((error) => isTemporary(error));
    }"""
    assert await console.page.evaluate(script, [*errors, {"code": "forbidden"}]) == [
        *[True] * 5,
        *[False] * 2,
    ]


async def test_a_page_without_the_client_library_says_how_to_get_it(
    open_console: OpenConsole, url: str
) -> None:
    async def without_library(page: Page) -> None:
        await page.route("**/vendor/*", lambda route: route.fulfill(status=404))

    console = await open_console(
        url, expected=(r"404 .*/vendor/socket\.io\.esm\.min\.js",), prepare=without_library
    )
    await expect(console.page.locator("#welcome")).to_contain_text(
        "The Socket.IO client is missing"
    )
    await expect(console.page.locator("#welcome code")).to_have_text("make console")
    await expect(console.page.get_by_role("button", name="Connect")).to_be_disabled()
