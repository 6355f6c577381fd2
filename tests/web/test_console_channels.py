"""The console's channels: talking in them, reading and leaving them."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.fixtures.clients import Connect
from tests.web.conftest import AGENT, BOB, SERVICE, OpenConsole

CHAT = "demo/app/1"


async def test_two_people_talk_in_a_circle_and_see_each_other(
    open_console: OpenConsole, url: str
) -> None:
    developer = await open_console(url)
    await developer.shows()
    bob = await open_console(url, token=BOB)
    await bob.shows()
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
    await console.shows()
    agent = await connect(token=AGENT, url=url)
    await agent.join()
    await expect(console.texts).to_have_text(["agent-7 joined"])
    await expect(console.members).to_have_count(2)
    await agent.request("typing", {"channel": "dev-team", "data": {"typing": True}})
    typing = console.page.get_by_text("agent-7 is typing…")
    await expect(typing).to_be_visible()
    data = {"content": "Deployed.", "build": "1.4.2"}
    await agent.request("agent_message", {"channel": "dev-team", "data": data})
    await expect(typing).to_be_hidden()
    await expect(console.texts).to_have_text(["agent-7 joined", "Deployed."])
    await expect(console.messages.locator(".payload")).to_have_text('{"build":"1.4.2"}')
    await agent.disconnect()
    await expect(console.texts.last).to_have_text("agent-7 left")
    await expect(console.members).to_have_count(1)


async def test_notifications_come_without_joining_anything(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    console = await open_console(url)
    await console.shows()
    await console.join("broadcast", "/notifications")
    await expect(console.page.locator("#channels .channel-name")).to_have_text(
        ["dev-team", "broadcast", "user:developer"]
    )
    await console.page.get_by_role("button", name="user:developer", exact=True).click()
    service = await connect("/notifications", SERVICE, url=url)
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
    console = await open_console(url, at=f"#/chat/{CHAT}")
    await console.shows(CHAT)
    agent = await connect("/chat", AGENT, url=url)
    for index, delta in enumerate(["Hel", "lo ", "you"]):
        data = {"message_id": "m1", "index": index, "delta": delta}
        await agent.request("chat_token", {"channel": CHAT, "data": data})
    await expect(console.texts).to_have_text(["Hello you"])
    await expect(console.messages.locator(".offset")).to_have_text(re.compile(r"^#1\W3$"))


async def test_an_agent_sends_json_and_types_that_the_page_does_not_know(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    service = await connect("/notifications", SERVICE, url=url)
    await service.join("broadcast")
    console = await open_console(url, token=SERVICE, at="#/notifications/broadcast")
    await console.shows("broadcast")
    await console.page.get_by_label("Type", exact=True).select_option("task_update")
    await console.page.get_by_label("Action").fill("completed")
    await console.page.get_by_role("button", name="Send").click()
    assert (await service.next("task_update"))["action"] == "completed"
    await console.page.get_by_label("Type", exact=True).select_option("other…")
    await console.page.get_by_label("Name of the type").fill("task_manager.update")
    await console.page.get_by_label("Payload (JSON)").fill('{"progress": 7}')
    await console.page.get_by_role("button", name="Send").click()
    assert (await service.next("task_manager.update"))["data"] == {"progress": 7}
    await expect(console.messages.locator(".payload").last).to_have_text('{"progress":7}')


async def test_who_leaves_a_channel_is_no_longer_in_it(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    console = await open_console(url)
    await console.shows()
    watcher = await connect(token=BOB, url=url)
    await console.page.get_by_role("button", name="Leave dev-team").click()
    await expect(console.page.locator("#title")).to_have_text("No channel")
    assert (await watcher.request("presence", {"channel": "dev-team"}))["count"] == 0


async def test_earlier_messages_are_loaded_page_by_page(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    writer = await connect(token=BOB, url=url)
    for number in range(1, 121):
        await writer.request(
            "user_message", {"channel": "dev-team", "data": {"content": f"message {number}"}}
        )
    console = await open_console(url)
    await console.shows()
    earlier = console.page.get_by_role("button", name="Load earlier messages")
    for first in (71, 21, 1):
        await expect(console.texts).to_have_text(
            [f"message {number}" for number in range(first, 121)]
        )
        if first > 1:
            await earlier.click()
    await expect(earlier).to_be_hidden()


async def test_who_stops_typing_without_a_word_is_not_believed_to_type_for_ever(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    console = await open_console(url, prepare=lambda page: page.clock.install())
    await console.shows()
    await console.stop_the_clock()
    bob = await connect(token=BOB, url=url)
    typing = console.page.get_by_text("bob is typing…")
    for told, is_shown in ((True, True), (False, False), (True, True)):
        await bob.request("typing", {"channel": "dev-team", "data": {"typing": told}})
        await expect(typing).to_be_visible(visible=is_shown)
    await console.page.clock.run_for(6_000)
    await expect(typing).to_be_hidden()


async def test_a_history_larger_than_an_answer_comes_whole(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    bob = await connect(token=BOB, url=url)
    await bob.say(*(f"{number} {'x' * 40_000}" for number in range(30)))
    console = await open_console(url)
    await expect(console.messages.locator(".offset")).to_have_text(
        [f"#{number}" for number in range(1, 31)]
    )
    await expect(console.notes).to_have_count(0)
    await expect(console.recovered).to_have_count(0)


@pytest.mark.parametrize(
    "name", ["Dev Team", "\u00e9quipe S\u00fcd", "\u958b\u767a 100%", "a/b?c#d&e=f"]
)
async def test_a_channel_may_have_any_name_and_is_found_again(
    open_console: OpenConsole, connect: Connect, url: str, name: str
) -> None:
    console = await open_console(url)
    await console.shows()
    await console.join(name)
    bob = await connect(token=BOB, url=url)
    await bob.say("Hello", channel=name)
    await expect(console.texts).to_have_text(["Hello"])
    await console.page.reload()
    await console.shows(name)
    await expect(console.texts).to_have_text(["Hello"])
    await console.page.get_by_role("button", name=f"Leave {name}", exact=True).click()
    await bob.join(name)
    await console.page.get_by_role("button", name="Refresh the channels").click()
    await expect(console.others.locator(".channel-name")).to_have_text([name])
