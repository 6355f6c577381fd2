"""What the recipes set up answers the frames that each system's own frontend sends."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.clients import Connect
from tests.fixtures.processes import Launch
from tests.recipes.conftest import RECIPES, SITE, FollowRecipe
from tests.support.pages import blocks
from tests.support.redis import RedisServer
from tests.support.tokens import token


@pytest.mark.parametrize("name", [page.stem for page in RECIPES.glob("*.md")])
async def test_what_is_not_hearths_goes_to_the_systems_backend(
    follow: FollowRecipe, name: str
) -> None:
    site = await follow(name)
    async with site.session.get(f"{SITE}/api/stats") as response:
        assert response.status == 200
        assert (await response.text()).endswith("/stats")


async def test_codeworms_dashboard_has_history_and_live_feeds(
    follow: FollowRecipe, redis: Any
) -> None:
    site = await follow("codeworm")

    async def publish(number: int) -> dict[str, Any]:
        channel = ("codeworm:logs", "codeworm:events", "codeworm:stats")[number % 3]
        data = {"type": "analyzing", "event": f"line {number}", "data": {"repo": "hearth"}}
        assert await redis.publish(channel, json.dumps(data))
        return {"channel": channel, "data": data}

    first = await site.open("/api/ws")
    await first.send("ping")
    assert await first.read() == {"type": "pong"}
    published = [await publish(number) for number in range(6)]
    assert [await first.read() for _one in published] == published
    later = await site.open("/api/ws")
    history = await later.read()
    assert history["channel"] == "codeworm:history"
    assert history["data"] == [one for one in published if one["channel"] != "codeworm:stats"]


async def test_gatherings_dashboard_is_subscribed_to_what_hearth_has(
    follow: FollowRecipe, connect: Connect
) -> None:
    site = await follow("gathering")
    page = await site.open("/ws")
    await page.send({"action": "subscribe", "topics": ["agents", "circles", "tasks"]})
    refused, subscribed = await page.read(), await page.read()
    assert (refused["type"], refused["topic"]) == ("error", "tasks")
    assert (subscribed["type"], subscribed["data"]) == (
        "subscribed",
        {"topics": ["agents", "circles"]},
    )
    secret = site.settings["AUTH_SECRET"]
    agent = token("agent-7", "agent", "*:*:rw", secret=secret)
    agents = await connect("/agents", agent, url=site.url)
    data = {"channel": "agent-7", "data": {"status": "busy"}}
    assert (await agents.request("agent_status", data))["ok"]
    event = await page.read()  # its handler looks at these three
    assert (event["type"], event["data"]) == ("agent_status", {"status": "busy"})
    assert event["timestamp"].endswith("Z")

    other = await site.open("/ws")  # another page's hook
    await other.send({"action": "subscribe", "topics": ["activity"]})
    assert [(await other.read())["type"] for _one in range(2)] == ["error", "subscribed"]


@pytest.mark.parametrize("path", ["/ws/chat/7", "/ws/terminal/1"])
async def test_gatherings_own_sockets_go_to_its_backend(follow: FollowRecipe, path: str) -> None:
    site = await follow("gathering")
    async with site.session.get(SITE + path) as response:
        assert await response.text() == path


async def test_the_chat_page_and_the_bell_work_with_the_recipes_backend(
    follow: FollowRecipe, launch: Launch, redis_server: RedisServer, tmp_path: Path
) -> None:
    site = await follow("mozaiks")
    [program] = blocks(RECIPES / "mozaiks.md", "python")
    (tmp_path / "backend.py").write_text(program)
    [grant] = re.findall(r'"grants": \["(chat:[^"]*)"\]', (RECIPES / "mozaiks.md").read_text())
    ann = token("ann", "user", grant, secret=site.settings["AUTH_SECRET"])
    bell = await site.open(f"/ws/notifications/_?access_token={ann}")
    assert (await bell.read())["data"]["user_id"] == "ann"
    path = f"/ws/{grant.split(':')[1]}/ann?access_token={ann}"
    page = await site.open(path)
    assert (await page.read())["type"] == "connection_ack"

    await launch(sys.executable, tmp_path / "backend.py", REDIS_URL=redis_server.url)
    text, request = await page.read(), await page.read()
    assert (text["type"], text["data"]["content"]) == ("chat.text", "How can I help?")
    assert (request["type"], request["data"]["request_id"]) == ("chat.input_request", "r1")
    assert request["seq"] == text["seq"] + 1
    await page.send(
        {
            "type": "user.input.submit",
            "chat_id": "chat-1",
            "input_request_id": "r1",
            "text": "My order",
            "context": {"source": "chat_interface", "conversation_mode": "workflow"},
        }
    )
    pieces = [await page.read() for _one in range(2)]
    assert [one["type"] for one in pieces] == ["chat.print"] * 2
    assert "".join(one["data"]["content"] for one in pieces) == "You said: My order"
    rings = await bell.read()
    assert (rings["type"], rings["subtype"]) == ("notification", "new")
    assert rings["data"]["title"] == "Support"

    again = await site.open(path)  # the page is loaded anew, and knows its last number
    await again.send(
        {"type": "client.resume", "chat_id": "chat-1", "lastClientIndex": request["seq"]}
    )
    history = [await again.read() for _one in range(5)][1:]
    assert history == [text, request, *pieces]
    assert [await again.read() for _one in range(2)] == pieces
    boundary = await again.read()
    assert (boundary["type"], boundary["data"]["replayed_events"]) == ("chat.resume_boundary", 2)


async def test_a_stranger_reads_nothing_of_the_platform(follow: FollowRecipe) -> None:
    site = await follow("mozaiks")
    eve = token("eve", "user", secret=site.settings["AUTH_SECRET"])
    for path in ("/ws/support/my-app/chat-1/eve", "/ws/notifications/ann"):
        page = await site.open(f"{path}?access_token={eve}")
        assert await page.refusal() == (4003, "forbidden")
