"""The console's connection is cut in the middle of something, or brings what wasn't expected."""

from __future__ import annotations

import re

from playwright.async_api import WebSocketRoute, expect

from tests.web.conftest import OpenConsole


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
    await console.shows()
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


async def test_a_second_argument_of_an_event_changes_nothing(
    open_console: OpenConsole, url: str
) -> None:
    # As of a connection that asked for native recovery (docs/protocol.md, promise 8).
    async def add_an_argument(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            text = str(message)
            socket.send(f'{text[:-1]},"offset-7"]' if text.startswith("42") else message)

        server.on_message(pass_on)

    console = await open_console(
        url, prepare=lambda page: page.route_web_socket(re.compile(".*"), add_an_argument)
    )
    await console.shows()
    await expect(console.page.locator("#transport")).to_have_text("websocket")
    await console.say("Hello")
    await expect(console.texts).to_have_text(["Hello"])
    await expect(console.messages.locator(".offset")).to_have_text(["#1"])
