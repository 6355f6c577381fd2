"""CodeWorm's feed: history first, then logs, events and stats as they were published."""

from __future__ import annotations

import pytest

from tests.fixtures.clients import Connect
from tests.fixtures.processes import RunReady
from tests.plain.conftest import Open
from tests.support.client import Client
from tests.support.process import UNLIMITED
from tests.support.tokens import ALICE, SERVICE, token

FEEDS = {"codeworm:logs": "log", "codeworm:events": "event", "codeworm:stats": "stats"}


async def publish(worker: Client, channel: str, number: int) -> dict[str, object]:
    """Publish into a feed; return what its clients are to get."""
    data = {"number": number}
    answer = await worker.request(FEEDS[channel], {"channel": channel, "data": data})
    assert answer["ok"]
    return {"channel": channel, "data": data}


@pytest.fixture
async def worker(connect: Connect) -> Client:
    """Somebody who publishes into feeds."""
    return await connect("/feeds", SERVICE)


@pytest.mark.parametrize("path", ["/ws", "/api/ws"])
async def test_live_messages_are_channel_and_data(
    open_plain: Open, worker: Client, path: str
) -> None:
    feed = await open_plain(path)
    await feed.send("ping")
    assert await feed.read() == {"type": "pong"}  # and nothing before it: there was no history
    for number, channel in enumerate(FEEDS):
        published = await publish(worker, channel, number)
        assert await feed.read() == published
    await worker.request("log", {"channel": "others:logs", "data": {}})
    assert await feed.settle() == []


@pytest.mark.parametrize("redis", [False, True])
async def test_live_messages_come_in_the_order_of_publishing_in_all_feeds(
    open_plain: Open, connect: Connect, run_ready: RunReady, redis: bool
) -> None:
    url = (await run_ready(1, **UNLIMITED))[0].url if redis else ""
    options = {"url": url} if redis else {}
    worker = await connect("/feeds", SERVICE, **options)
    feeds = [await open_plain("/ws", url=url) for _number in range(2)]
    some = await open_plain("/ws", token("eve", "user", "feeds:codeworm:*:r"), url)
    for plain in (*feeds, some):
        await plain.send("ping")
        await plain.read()
    expected = []
    for number in range(90):  # as fast as can be: many are written at once
        channel = list(FEEDS)[number % 3]
        data = {"number": number}
        await worker.send(FEEDS[channel], {"channel": channel, "data": data})
        expected.append({"channel": channel, "data": data})
    for plain in (*feeds, some):
        assert [await plain.read() for _number in range(90)] == expected
    history = await (await open_plain("/ws", url=url)).read()
    assert history["data"] == [one for one in expected if one["channel"] != "codeworm:stats"]


async def test_history_is_the_last_200_of_logs_and_events(open_plain: Open, worker: Client) -> None:
    published = [await publish(worker, list(FEEDS)[number % 3], number) for number in range(330)]
    feed = await open_plain("/ws")
    history = await feed.read()
    assert history["channel"] == "codeworm:history"
    kept = [one for one in published if one["channel"] != "codeworm:stats"]
    assert history["data"] == kept[-200:]
    assert await feed.settle() == []
    live = await publish(worker, "codeworm:stats", 1)
    assert await feed.read() == live


async def test_grants_open_some_of_the_feeds(open_plain: Open, worker: Client) -> None:
    feed = await open_plain("/ws", token("eve", "user", "feeds:codeworm:events:r"))
    assert await feed.settle() == []
    await publish(worker, "codeworm:logs", 1)
    published = await publish(worker, "codeworm:events", 2)
    assert await feed.read() == published
    await feed.send({"type": "auth", "token": token("eve", "user", "feeds:*:r")})
    history = await feed.read()
    assert [one["data"]["number"] for one in history["data"]] == [1, 2]


async def test_nothing_is_published_there(open_plain: Open) -> None:
    feed = await open_plain("/ws", SERVICE)
    await feed.send({"type": "log", "channel": "codeworm:logs", "data": {}})
    assert (await feed.error())["code"] == "invalid"
    await feed.send("hello")
    assert (await feed.error())["code"] == "invalid"


async def test_a_token_may_come_first(open_plain: Open, worker: Client) -> None:
    published = await publish(worker, "codeworm:logs", 1)
    feed = await open_plain("/ws", None)
    await feed.send({"type": "auth", "token": ALICE})
    assert await feed.read() == {"channel": "codeworm:history", "data": [published]}
