"""The console at `/`, in a real browser, against the real server."""

from __future__ import annotations

import re
from typing import Any

from aiohttp.test_utils import TestServer
from playwright.async_api import Page, WebSocketRoute, expect

from app.auth import DEVELOPMENT_SECRET
from app.core.identity import Kind
from app.keys import SERVER
from schemas.catalogue import CUSTOM_TYPES, standard_registry
from schemas.envelope import notice
from tests.conftest import Connect, Run, Serve, token
from tests.support.redis import free_port
from tests.web.conftest import OpenConsole

CHAT = "demo/app/1"


def development_token(name: str, kind: Kind = "user") -> str:
    """Return a token that a server in development mode believes."""
    return token(name, kind, "*:*:rw", secret=DEVELOPMENT_SECRET)


BOB = development_token("bob")
DEVELOPMENT_AGENT = development_token("agent-7", "agent")
DEVELOPMENT_SERVICE = development_token("ci", "service")


# Talking


async def test_two_people_talk_in_a_circle_and_see_each_other(
    open_console: OpenConsole, url: str
) -> None:
    developer, bob = await open_console(url), await open_console(url)
    await developer.connect()
    await developer.join()
    await bob.connect(token=BOB)
    await bob.join()
    await developer.say("Hello <b>Bob</b>")
    await expect(bob.texts).to_have_text(["Hello <b>Bob</b>"])
    await bob.say("Hello back")
    for console in (developer, bob):
        await expect(console.texts).to_have_text(["Hello <b>Bob</b>", "Hello back"])
        await expect(console.messages.locator(".offset")).to_have_text(["#1", "#2"])
        await expect(console.messages.locator(".sender")).to_have_text(["developer", "bob"])
        await expect(console.messages.locator(".type")).to_have_text(["user_message"] * 2)
        await expect(console.members.locator(".member-id")).to_have_text(["developer", "bob"])
    await expect(bob.page.locator("#identity")).to_contain_text("bob user")


async def test_a_circle_tells_of_an_agent_that_comes_types_speaks_and_goes(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    console = await open_console(url)
    await console.connect()
    await console.join()
    agent = await connect(token=DEVELOPMENT_AGENT, url=url)
    await agent.request("join", {"channel": "dev-team"})
    await expect(console.texts).to_have_text(["agent-7 joined"])
    await expect(console.members).to_have_count(2)
    await agent.request("typing", {"channel": "dev-team", "data": {"typing": True}})
    typing = console.page.get_by_text("agent-7 is typing…")
    await expect(typing).to_be_visible()
    data = {"agent_id": 7, "content": "Deployed.", "build": "1.4.2"}
    await agent.request("agent_message", {"channel": "dev-team", "data": data})
    await expect(typing).to_be_hidden()
    await expect(console.texts).to_have_text(["agent-7 joined", "Deployed."])
    await expect(console.messages.locator(".payload")).to_have_text(
        '{"agent_id":7,"build":"1.4.2"}'
    )
    await agent.disconnect()
    await expect(console.texts.last).to_have_text("agent-7 left")
    await expect(console.members).to_have_count(1)


async def test_notifications_come_without_joining_anything(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    console = await open_console(url)
    await console.connect("/notifications")
    await expect(console.page.locator(".channel-name")).to_have_text(
        ["broadcast", "user:developer"]
    )
    service = await connect("/notifications", DEVELOPMENT_SERVICE, url=url)
    data = {"title": "Build finished", "message": "All tests passed."}
    await service.request("notification", {"channel": "user:developer", "data": data})
    await expect(console.messages.locator(".message-title")).to_have_text("Build finished")
    await expect(console.texts).to_have_text(["All tests passed."])
    await service.request(
        "system_announcement", {"channel": "broadcast", "data": {"message": "Down at noon."}}
    )
    await expect(console.page.get_by_label("1 unread")).to_be_visible()
    await console.page.get_by_role("button", name="broadcast 1 unread").click()
    await expect(console.page.locator(".stream:visible .text")).to_have_text(["Down at noon."])


async def test_the_tokens_of_an_answer_are_shown_as_one_text(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    console = await open_console(url)
    await console.connect("/chat")
    await console.join(CHAT)
    agent = await connect("/chat", DEVELOPMENT_AGENT, url=url)
    for index, delta in enumerate(["Hel", "lo ", "you"]):
        data = {"message_id": "m1", "index": index, "delta": delta}
        await agent.request("chat_token", {"channel": CHAT, "data": data})
    await expect(console.texts).to_have_text(["Hello you"])
    await expect(console.messages.locator(".offset")).to_have_text(re.compile(r"^#1\W3$"))


async def test_an_agent_sends_json_and_types_that_the_page_does_not_know(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    service = await connect("/notifications", DEVELOPMENT_SERVICE, url=url)
    await service.request("join", {"channel": "broadcast"})
    console = await open_console(url)
    await console.connect("/notifications", DEVELOPMENT_SERVICE)
    await expect(console.page.locator("#title")).to_have_text("broadcast")
    await console.page.get_by_label("Type", exact=True).select_option("task_update")
    await console.page.get_by_label("Action").fill("completed")
    await console.page.get_by_role("button", name="Send").click()
    assert (await service.next("task_update"))["action"] == "completed"
    await console.page.get_by_label("Type", exact=True).select_option("other…")
    await console.page.get_by_label("Name of the type").fill("my_plugin_update")
    await console.page.get_by_label("Payload (JSON)").fill('{"progress": 7}')
    await console.page.get_by_role("button", name="Send").click()
    assert (await service.next("my_plugin_update"))["data"] == {"progress": 7}
    await expect(console.messages.locator(".payload").last).to_have_text('{"progress":7}')


async def test_who_leaves_a_channel_is_no_longer_in_it(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    console = await open_console(url)
    await console.connect()
    await console.join()
    watcher = await connect(token=BOB, url=url)
    await console.page.get_by_role("button", name="Leave dev-team").click()
    await expect(console.page.locator("#title")).to_have_text("No channel")
    assert (await watcher.request("presence", {"channel": "dev-team"}))["count"] == 0


# History


async def test_earlier_messages_are_loaded_page_by_page(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    writer = await connect(token=BOB, url=url)
    for number in range(1, 121):
        await writer.request(
            "user_message", {"channel": "dev-team", "data": {"content": f"message {number}"}}
        )
    console = await open_console(url)
    await console.connect()
    await console.join()
    earlier = console.page.get_by_role("button", name="Load earlier messages")
    for first in (71, 21, 1):
        await expect(console.texts).to_have_text(
            [f"message {number}" for number in range(first, 121)]
        )
        if first > 1:
            await earlier.click()
    await expect(earlier).to_be_hidden()


async def test_what_was_missed_while_away_is_shown_exactly_once(
    open_console: OpenConsole, connect: Connect, development: TestServer, url: str
) -> None:
    console = await open_console(url, expected=("ERR_INTERNET_DISCONNECTED",))
    await console.connect()
    await console.join()
    await console.say("before")
    await expect(console.texts).to_have_text(["before"])
    # Offline for what is opened from now on, and cut off from what was.
    await console.page.context.set_offline(True)
    engine = development.app[SERVER].eio
    await engine.disconnect()
    await expect(console.state).to_have_text("reconnecting")
    writer = await connect(token=BOB, url=url)
    for content in ("missed 1", "missed 2"):
        await writer.request("user_message", {"channel": "dev-team", "data": {"content": content}})
    await console.page.context.set_offline(False)
    await expect(console.notes).to_have_text(["Back again: recovered 2 messages"])
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
    await console.connect()
    await console.join()
    await console.say("of the first life")
    await expect(console.texts).to_have_text(["of the first life"])
    await console.page.context.set_offline(True)
    await first.stop()
    await expect(console.state).to_have_text("reconnecting")
    second = await run(**settings)
    writer = await connect(token=None, url=second.url)
    data = {"content": "of the second life"}
    await writer.request("user_message", {"channel": "dev-team", "data": data})
    await console.page.context.set_offline(False)
    await expect(console.notes).to_have_text(["History was lost; showing the newest"])
    await expect(console.texts).to_have_text(["of the first life", "of the second life"])
    await expect(console.page.locator(".message.retired .text")).to_have_text("of the first life")


async def test_a_send_without_an_answer_can_be_repeated_and_is_said_once(
    open_console: OpenConsole, url: str
) -> None:
    sockets: list[WebSocketRoute] = []
    loses_answers = False

    async def cut_at_the_answer(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        sockets.append(socket)

        async def pass_on(message: str | bytes) -> None:
            # An ack is packet 3 of Socket.IO in packet 4 of Engine.IO.
            if loses_answers and str(message).startswith("43"):
                await socket.close()
                await server.close()
            else:
                socket.send(message)

        server.on_message(pass_on)

    console = await open_console(
        url, prepare=lambda page: page.route_web_socket(re.compile(".*"), cut_at_the_answer)
    )
    await console.connect()
    await console.join()
    await expect(console.page.locator("#transport")).to_have_text("websocket")
    loses_answers = True
    await console.say("only once")
    await expect(console.send_error).to_contain_text("no_answer")
    loses_answers = False
    await expect(console.state).to_have_text("connected")
    await expect(console.texts).to_have_text(["only once"])
    await console.page.get_by_role("button", name="Send").click()
    await expect(console.send_error).to_be_hidden()
    await console.say("and then this")
    await expect(console.texts).to_have_text(["only once", "and then this"])


async def test_a_message_out_of_order_is_no_news_or_a_reason_to_ask(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(url)
    script = """async () => {
      const { Channel } = await import("/console/channel.js");
      const shown = [];
      const stream = {
        oldest: null, setMore() {}, append: (envelopes) => shown.push(...envelopes),
      };
      const channel = new Channel("dev-team", stream);
      const answer = { offset: 7, epoch: "e", messages: [], recovered: false };
      const connection = { request: async (event, asked, take) => take(answer) };
      await channel.join(connection, () => {});
      const receive = (offset, timestamp) => channel.receive({ offset, timestamp });
      const fits = [
        receive(8, "12:00"), receive(8, "12:00"), receive(7, "11:59"), // the next; seen; seen
        receive(10, "12:01"), receive(1, "12:01"), // a gap; offsets that began anew
      ];
      return [fits, shown.map(({ offset }) => offset)];
    }"""
    fits, shown = await console.page.evaluate(script)
    assert fits == [True, True, True, False, False]
    assert shown == [8]


# What goes wrong is told


async def test_what_is_wrong_with_a_payload_stands_by_the_form(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(url)
    await console.connect()
    await console.join()
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
    await expect(console.state).to_have_text("refused")
    await expect(console.connection_error).to_contain_text("unauthorized A valid token is needed.")
    await console.connect(token=token("alice", "user", "circles:dev-*:rw"))
    await expect(console.state).to_have_text("connected")
    await expect(console.connection_error).to_be_hidden()


async def test_error_events_are_shown(
    open_console: OpenConsole, development: TestServer, url: str
) -> None:
    console = await open_console(url)
    await console.connect()
    await expect(console.state).to_have_text("connected")

    def emit(code: str) -> None:
        server = development.app[SERVER]
        error = {"code": code, "message": "Something happened."}
        envelope = notice("error", error, "2026-11-20T12:00:00.000Z") | {"error": error}
        for sid, _ in server.manager.get_participants("/circles", None):
            server.post_event(sid, "/circles", "error", envelope)

    emit("internal")
    await expect(console.connection_error).to_contain_text("internal Something happened.")
    await console.join()
    emit("rate_limited")
    await expect(console.notes).to_have_text(["rate_limited Something happened."])


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


# The page itself


async def test_the_token_is_kept_for_this_tab_only(open_console: OpenConsole, url: str) -> None:
    console = await open_console(url)
    await console.connect(token=BOB)
    await expect(console.state).to_have_text("connected")
    await console.page.reload()
    await expect(console.page.get_by_label("Token")).to_have_value(BOB)
    assert await console.page.evaluate("localStorage.length") == 0
    assert await console.page.evaluate("document.cookie") == ""


async def test_on_a_phone_the_sidebar_gives_way_to_the_channel(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(url, viewport={"width": 375, "height": 740})
    await console.connect()
    await console.join()
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
        message_type.check(shown.get("template", payload))
    for namespace in namespaces:
        registry.check_channel(namespace["name"], namespace["channel"])
