"""The console loses its connection, comes back, and shows what it missed."""

from __future__ import annotations

import re

from aiohttp.test_utils import TestServer
from playwright.async_api import WebSocketRoute, expect

from app.keys import SERVER
from tests.conftest import Connect, Run
from tests.support.redis import free_port
from tests.web.conftest import BOB, OpenConsole


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
