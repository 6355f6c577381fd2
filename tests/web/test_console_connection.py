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


# A channel that was joined at offset 7, and what it shows and answers.
JOINED = """async (answers) => {
  const { Channel } = await import("/console/channel.js");
  const shown = [];
  const notes = [];
  const stream = {
    oldest: null, setMore() {}, retire() {}, note: (text) => notes.push(text),
    append: (envelopes, recovered) => {
      shown.push(...envelopes.map(({ offset }) => (recovered ? -offset : offset)));
    },
  };
  const channel = new Channel("dev-team", stream);
  const connection = { request: async (event, asked, take) => take(answers.shift()) };
  await channel.join(connection, () => {});
"""
AT_7 = {"offset": 7, "epoch": "e", "messages": [], "recovered": False}


async def test_a_message_out_of_order_is_no_news_or_a_reason_to_ask(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(url)
    script = f"""{JOINED}
      const receive = (offset, timestamp) => channel.receive({{ offset, timestamp }});
      const fits = [
        receive(8, "12:00"), receive(8, "12:00"), receive(7, "11:59"), // the next; seen; seen
        receive(10, "12:01"), receive(1, "12:01"), // a gap; offsets that began anew
      ];
      return [fits, shown];
    }}"""
    fits, shown = await console.page.evaluate(script, [AT_7])
    assert fits == [True, True, True, False, False]
    assert shown == [8]


async def test_nothing_is_missing_before_a_message_that_stands_for_several(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(url)
    script = f"""{JOINED}
      const receive = (prev, offset) => channel.receive({{ prev, offset, timestamp: "12:00" }});
      return [[receive(7, 12), receive(12, 13), receive(14, 20), receive(7, 12)], shown];
    }}"""
    fits, shown = await console.page.evaluate(script, [AT_7])
    assert fits == [True, True, False, True]  # joined; the next; a gap; seen
    assert shown == [12, 13]


async def test_what_an_answer_has_no_room_for_is_recovered_as_it_follows(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(url)
    script = f"""{JOINED}
      await channel.join(connection, () => {{}});
      const fits = [11, 12, 13].map((offset) => channel.receive({{ offset, timestamp: "12:00" }}));
      return [fits, shown, notes];
    }}"""
    messages = [{"offset": 9, "prev": 7, "timestamp": "11"}, {"offset": 10, "timestamp": "11"}]
    back = AT_7 | {"offset": 10, "messages": messages, "recovered": True, "following": 2}
    fits, shown, notes = await console.page.evaluate(script, [AT_7, back])
    assert fits == [True, True, True]
    assert shown == [-9, -10, -11, -12, 13]  # negative: marked as recovered
    [note] = [note.replace("\xa0", " ") for note in notes]
    assert note == "Back again: recovered 2 messages, #8 to #10; 2 messages more on the way"


async def test_history_that_is_lost_while_one_reads_is_asked_for_anew(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(url)
    script = f"""{JOINED}
      const data = {{ offset: 3, epoch: "f" }};
      const fits = channel.receive({{ type: "discontinuity", timestamp: "12:00", data }});
      await channel.join(connection, () => {{}});
      return [fits, shown, notes, channel.position];
    }}"""
    after = {"offset": 3, "epoch": "f", "messages": [{"offset": 3, "timestamp": "12"}]}
    fits, shown, notes, position = await console.page.evaluate(script, [AT_7, after])
    assert not fits
    assert shown == [3]
    assert notes == ["History was lost; showing the newest"]
    assert position == {"offset": 3, "epoch": "f"}


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
