"""The console shows a message as it came, and what somebody looks for among many."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.fixtures.clients import Connect
from tests.support.client import Client
from tests.support.tokens import ALICE
from tests.web.conftest import AGENT, BOB, SERVICE, OpenConsole
from tests.web.page import ConsolePage

CHAT = "demo/app/1"
LOGS = "codeworm:logs"


async def without_clipboard(page: Page) -> None:
    """Take from the page what a browser gives to secure origins only."""
    await page.add_init_script("delete Navigator.prototype.clipboard")


async def pasted(console: ConsolePage) -> Any:
    """Return what is in the clipboard, by pasting it as a person would."""
    field = console.page.get_by_label("Text", exact=True)
    await field.fill("")
    await field.press("Control+V")
    return json.loads(await field.input_value())


@pytest.mark.parametrize("prepare", [None, without_clipboard])
async def test_the_raw_envelope_is_shown_and_copied(
    open_console: OpenConsole, connect: Connect, url: str, prepare: Any
) -> None:
    console = await open_console(url, prepare=prepare)
    await console.shows()
    bob = await connect(token=BOB, url=url)
    await bob.join()
    data = {"content": "Hello", "mood": {"good": True, "points": [1, 2.5]}}
    message = {"channel": "dev-team", "data": data, "action": "said", "nonce": "n1"}
    await bob.request("user_message", message)
    envelope = await bob.next("user_message")
    await console.inspect(1)
    raw = console.inspector.locator("pre")
    assert json.loads(await raw.inner_text()) == envelope
    await expect(raw.locator(".json-key").first).to_have_text('"type"')
    await expect(console.inspector).to_contain_text("bob (user)")
    await console.inspector.get_by_role("button", name="Copy envelope").click()
    await expect(console.inspector.get_by_role("button", name="Copied")).to_be_visible()
    assert await pasted(console) == envelope
    await console.inspector.get_by_role("button", name="Copy data").click()
    await expect(console.inspector.get_by_role("button", name="Copied").last).to_be_visible()
    assert await pasted(console) == data
    await console.inspector.get_by_role("button", name="Use as a draft").click()
    await expect(console.page.get_by_label("Text", exact=True)).to_have_value("Hello")
    await console.inspector.get_by_role("button", name="Close the inspector").click()
    await expect(console.inspector).to_be_hidden()


async def test_a_text_in_pieces_is_inspected_piece_by_piece(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    console = await open_console(url, at=f"#/chat/{CHAT}")
    await console.shows(CHAT)
    agent = await connect("/chat", AGENT, url=url)
    for index, delta in enumerate(["Hel", "lo ", "you"]):
        data = {"message_id": "m1", "index": index, "delta": delta}
        await agent.request("chat_token", {"channel": CHAT, "data": data})
    await expect(console.texts).to_have_text(["Hello you"])
    await console.messages.locator(".inspect").click()
    await expect(console.inspector).to_contain_text("3 of 3 in this text")
    await expect(console.inspector.locator("pre")).to_contain_text('"delta": "you"')
    before = console.inspector.get_by_role("button", name="Piece before")
    await before.click()
    await before.click()
    await expect(console.inspector.locator("pre")).to_contain_text('"delta": "Hel"')
    await expect(before).to_be_disabled()
    await console.page.get_by_role("button", name="Dense").click()
    await expect(console.messages).to_have_count(3)
    await console.find.fill("lo you")
    await expect(console.messages).to_have_count(0)
    await console.page.get_by_role("button", name="Dense").click()
    await expect(console.texts).to_have_text(["Hello you"])


async def test_the_whole_text_stands_in_the_place_of_its_pieces(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    console = await open_console(url, at=f"#/chat/{CHAT}")
    await console.shows(CHAT)
    agent, alice = await connect("/chat", AGENT, url=url), await connect("/chat", ALICE, url=url)

    async def say(client: Client, name: str, **data: Any) -> None:
        assert (await client.request(name, {"channel": CHAT, "data": data}))["ok"]

    await say(agent, "chat_token", message_id=7, index=0, delta="Hel")
    await say(agent, "chat_token", message_id=7, index=1, delta="lo", part="text")
    await say(agent, "chat_token", message_id=7, index=0, delta="They greet", part="reasoning")
    await say(alice, "user_message", content="Well?")
    await say(agent, "chat_message", message_id="7", content="Hello!")
    await say(agent, "chat_message", message_id="8", content="Another")
    await expect(console.texts).to_have_text(["Hello!", "They greet", "Well?", "Another"])
    await expect(console.messages.first.locator(".type")).to_have_text("chat_message")
    await console.messages.first.locator(".inspect").click()
    await expect(console.inspector).to_contain_text("3 of 3 in this text")
    await console.page.reload()
    await expect(console.texts).to_have_text(["Hello!", "They greet", "Well?", "Another"])


@pytest.fixture
async def talk(open_console: OpenConsole, connect: Connect, url: str) -> ConsolePage:
    """A console in a circle where Bob and an agent have talked."""
    bob, agent = await connect(token=BOB, url=url), await connect(token=AGENT, url=url)
    await bob.say("The build is red", "Who looks?")
    await agent.request(
        "agent_message",
        {"channel": "dev-team", "data": {"content": "I do", "agent_id": "agent-7", "run": "R-17"}},
    )
    console = await open_console(url)
    await expect(console.messages).to_have_count(3)
    return console


async def test_messages_are_found_by_what_stands_in_them(talk: ConsolePage) -> None:
    shown = talk.page.get_by_label("Messages shown")
    await expect(shown).to_have_text("3")
    await talk.find.fill("BUILD")
    await expect(talk.texts).to_have_text(["The build is red"])
    await expect(shown).to_have_text("1 of 3")
    await talk.find.fill("r-17")  # of the payload
    await expect(talk.texts).to_have_text(["I do"])
    await talk.find.fill("nothing says this")
    await expect(talk.page.get_by_text("No message fits the filter.")).to_be_visible()
    await talk.say("nothing says this but me")
    await expect(talk.texts).to_have_text(["nothing says this but me"])
    await talk.page.get_by_role("button", name="Clear").click()
    await expect(talk.messages).to_have_count(4)
    await expect(talk.find).to_have_value("")


async def test_messages_are_filtered_by_type_and_sender(talk: ConsolePage) -> None:
    await talk.choose("types", "agent_message")
    await expect(talk.texts).to_have_text(["I do"])
    await talk.choose("senders", "bob")
    await expect(talk.messages).to_have_count(0)
    await talk.page.locator("#types summary").click()
    await talk.page.locator("#types").get_by_label("agent_message").uncheck()
    await expect(talk.texts).to_have_text(["The build is red", "Who looks?"])
    await talk.say("Not of Bob")
    await expect(talk.page.get_by_label("Messages shown")).to_have_text("2 of 4")
    await talk.page.get_by_role("button", name="Clear").click()
    await talk.inspect(3)
    await talk.inspector.get_by_role("button", name="Only agent-7").click()
    await expect(talk.texts).to_have_text(["I do"])


async def test_a_pause_holds_what_comes_and_loses_none_of_it(
    talk: ConsolePage, connect: Connect, url: str
) -> None:
    await talk.page.get_by_role("button", name="Pause").click()
    bob = await connect(token=BOB, url=url)
    await bob.say("one", "two")
    resume = talk.page.get_by_role("button", name="Resume · 2 new")
    await expect(resume).to_be_visible()
    await expect(talk.messages).to_have_count(3)
    await resume.click()
    await expect(talk.texts).to_have_text(["The build is red", "Who looks?", "I do", "one", "two"])
    await expect(talk.page.get_by_role("button", name="Pause")).to_be_visible()


async def log(service: Client, **data: Any) -> None:
    """Publish into the feed."""
    assert (await service.request("log", {"channel": LOGS, "data": data}))["ok"]


async def test_a_feed_is_dense_one_line_of_json_each(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    service = await connect("/feeds", SERVICE, url=url)
    await log(service, level="info", message="started", ms=12, ok=True)
    console = await open_console(url, at=f"#/feeds/{LOGS}")
    await console.shows(LOGS)
    dense = console.page.get_by_role("button", name="Dense")
    await expect(dense).to_have_attribute("aria-pressed", "true")
    await log(service, level="error", message="<b>stopped</b> " * 200)
    await expect(console.messages).to_have_count(2)
    first = console.messages.first
    await expect(first.locator(".payload")).to_have_text(
        '{"level":"info","message":"started","ms":12,"ok":true}'
    )
    await expect(first.locator(".json-text")).to_have_text(['"info"', '"started"'])
    await expect(first.locator(".json-number")).to_have_text(["12"])
    heights = "rows => rows.map((row) => row.offsetHeight)"
    [one, other] = await console.messages.evaluate_all(heights)
    assert one == other
    await console.messages.last.locator(".payload").click()
    raw = await console.inspector.locator("pre").inner_text()
    assert json.loads(raw)["data"]["message"] == "<b>stopped</b> " * 200
    await dense.click()
    await expect(first.locator(".text")).to_have_text("started")


async def test_what_is_not_kept_shows_where_everything_is(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    console = await open_console(url, at="#/circles/dev-team?view=dense")
    await console.shows()
    bob = await connect(token=BOB, url=url)
    await bob.request("typing", {"channel": "dev-team", "data": {"typing": True}})
    typing = console.messages.filter(has_text="typing")
    await expect(typing.locator(".offset")).to_have_text(["\u2013"])
    await console.page.get_by_role("button", name="Dense").click()
    await expect(typing).to_have_count(0)


async def test_single_keys_do_what_the_help_says_but_not_while_one_writes(
    talk: ConsolePage,
) -> None:
    keyboard = talk.page.keyboard
    await talk.page.get_by_label("dev-team", exact=True).first.focus()
    await keyboard.press("j")
    await expect(talk.inspector).to_contain_text("#3")
    await keyboard.press("k")
    await expect(talk.inspector).to_contain_text("#2")
    await keyboard.press("c")
    await expect(talk.inspector.get_by_role("button", name="Copied")).to_be_visible()
    await keyboard.press("Escape")
    await expect(talk.inspector).to_be_hidden()
    await keyboard.press("d")
    await expect(talk.page.get_by_role("button", name="Dense")).to_have_attribute(
        "aria-pressed", "true"
    )
    await keyboard.press("/")
    await expect(talk.find).to_be_focused()
    await keyboard.type("dpj")
    await expect(talk.find).to_have_value("dpj")
    await expect(talk.inspector).to_be_hidden()
    await keyboard.press("Escape")
    await keyboard.press("x")
    await expect(talk.find).to_have_value("")
    await keyboard.press("?")
    await expect(talk.page.get_by_role("dialog")).to_contain_text("Copy the envelope")
    await talk.page.get_by_label("Single keys do this").uncheck()
    await talk.page.get_by_role("dialog").get_by_role("button", name="Close").click()
    await keyboard.press("j")
    await keyboard.press("p")
    await expect(talk.page.get_by_role("button", name="Pause")).to_be_visible()
    await expect(talk.inspector).to_be_hidden()


async def test_a_field_for_json_grows_with_what_is_in_it(
    open_console: OpenConsole, url: str
) -> None:
    console = await open_console(url)
    await console.shows()
    await console.page.get_by_label("Type", exact=True).select_option("typing")
    field = console.page.get_by_label("Payload (JSON)")

    async def height() -> float:
        box = await field.bounding_box()
        assert box is not None
        return box["height"]

    few = await height()
    lines = {"typing": True, **{f"key {number}": number for number in range(12)}}
    await field.fill(json.dumps(lines, indent=2))
    many = await height()
    assert many > few * 2
    assert await field.evaluate("field => field.scrollHeight <= field.clientHeight")
    await field.fill(json.dumps(list(range(100)), indent=2))
    viewport = console.page.viewport_size
    assert viewport is not None
    assert many < await height() <= viewport["height"] / 2
    await field.fill("{}")
    assert await height() < few
