"""Topics: dashboards subscribe to channels, or to all channels of a namespace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from app.app_keys import HUB, PLAIN
from app.core.channel import Channel
from app.core.identity import parse_grants
from tests.fixtures.clients import Connect
from tests.fixtures.processes import Run, RunReady
from tests.fixtures.servers import Serve
from tests.plain.conftest import Open
from tests.support.client import Client
from tests.support.pages import rights
from tests.support.plain import JSON, PlainClient
from tests.support.process import ROOT
from tests.support.ready import until, until_status
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE, BOB, SERVICE, token

CIRCLES = token("eve", "user", "circles:*:r", "agents:7:r")
Subscribe = Callable[..., Awaitable[PlainClient]]


async def subscribe(plain: PlainClient, *topics: str) -> list[JSON]:
    """Subscribe; return the errors that come before the answer, and it."""
    await plain.send({"action": "subscribe", "topics": topics})
    answer = [await plain.read()]
    while answer[-1]["type"] != "subscribed":
        answer.append(await plain.read())
    return answer


async def settle(plain: PlainClient) -> list[JSON]:
    """Return all that the server sent before now."""
    await plain.send({"action": "ping"})
    seen = [await plain.read()]
    while seen[-1]["type"] != "pong":
        seen.append(await plain.read())
    return seen[:-1]


@pytest.fixture
async def bob(connect: Connect) -> Client:
    return await connect(token=BOB)


async def test_each_topic_is_a_channel(open_plain: Open, connect: Connect, bob: Client) -> None:
    plain = await open_plain("/ws", CIRCLES)
    answer = await subscribe(plain, "circles:dev-team", "agents:7")
    assert [one["type"] for one in answer] == ["subscribed"]  # and nothing comes before it
    assert answer[0]["data"] == {"topics": ["circles:dev-team", "agents:7"]}
    await bob.say("elsewhere", channel="other")
    await bob.say("Hi")
    got = await plain.next("user_message")
    assert (got["namespace"], got["channel"]) == ("/circles", "dev-team")
    assert (got["data"], got["sender"]["id"]) == ({"content": "Hi"}, "bob")
    agents = await connect("/agents", SERVICE)
    data = {"activity": "thinks"}
    await agents.request("agent_activity", {"channel": "7", "data": data})
    assert (await plain.next("agent_activity"))["data"] == data


@pytest.mark.parametrize("redis", [False, True])
async def test_a_namespace_alone_is_all_of_its_channels(
    run_ready: RunReady, open_plain: Open, connect: Connect, redis: bool
) -> None:
    processes = await run_ready(2) if redis else []
    urls = [process.url for process in processes] or ["", ""]
    plain = await open_plain("/api/ws", CIRCLES, urls[0])
    await subscribe(plain, "circles")
    bob = await connect(token=BOB, **({"url": urls[1]} if redis else {}))
    await bob.say("1", channel="a")
    await bob.say("2", channel="b/c")
    await bob.say("3", channel="a")
    got = [await plain.next("user_message") for _number in range(3)]
    assert [(one["channel"], one["data"]["content"]) for one in got] == [
        ("a", "1"),
        ("b/c", "2"),
        ("a", "3"),
    ]
    assert [one["offset"] for one in got] == [1, 1, 2]
    await plain.send({"action": "unsubscribe", "topics": ["circles"]})
    assert (await plain.read())["data"] == {"topics": ["circles"]}
    await bob.say("4", channel="a")
    assert await settle(plain) == []


async def test_a_message_that_two_topics_cover_comes_once(open_plain: Open, bob: Client) -> None:
    plain = await open_plain("/ws", CIRCLES)
    await subscribe(plain, "circles", "circles:dev-team", "circles:dev-team", "circles")
    await bob.say("1")
    await bob.say("2", channel="other")
    got = [one for one in await settle(plain) if one["type"] == "user_message"]
    assert sorted(one["data"]["content"] for one in got) == ["1", "2"]
    await plain.send({"action": "unsubscribe", "topics": ["circles:dev-team"]})
    await plain.next("unsubscribed")
    await bob.say("3")
    got = [one for one in await settle(plain) if one["type"] == "user_message"]
    assert [one["data"]["content"] for one in got] == ["3"]


async def test_what_is_no_topic_or_not_permitted_is_told_and_the_rest_subscribed(
    open_plain: Open,
) -> None:
    plain = await open_plain("/ws", token("eve", "user", "circles:dev-*:r"))
    topics = ["circles", "tasks", "circles:secret", "nowhere:7", ":", "circles:dev-team", "chat"]
    *errors, done = await subscribe(plain, *topics)
    assert done["data"] == {"topics": ["circles:dev-team"]}
    assert [(one["topic"], one["data"]["code"]) for one in errors] == [
        ("circles", "forbidden"),
        ("tasks", "invalid"),
        ("circles:secret", "forbidden"),
        ("nowhere:7", "invalid"),
        (":", "invalid"),
        ("chat", "invalid"),
    ]
    for wrong in ({"action": "subscribe"}, {"action": "subscribe", "topics": [1]}, {"action": "x"}):
        await plain.send(wrong)
        assert (await plain.error())["code"] == "invalid"
    await plain.send("ping")
    assert (await plain.read())["type"] == "pong"


async def test_subscribing_ends_the_feeds(open_plain: Open, connect: Connect) -> None:
    worker = await connect("/feeds", SERVICE)
    plain = await open_plain("/ws")  # alice may read them
    await worker.request("log", {"channel": "codeworm:logs", "data": {"n": 1}})
    assert (await plain.read())["data"] == {"n": 1}
    await subscribe(plain, "circles")
    await worker.request("log", {"channel": "codeworm:logs", "data": {"n": 2}})
    assert await settle(plain) == []
    await subscribe(plain, "feeds:codeworm:logs")  # a channel like others
    await worker.request("log", {"channel": "codeworm:logs", "data": {"n": 3}})
    assert (await plain.next("log"))["namespace"] == "/feeds"


async def test_who_may_read_no_feed_is_refused_after_anything_else(
    serve: Serve, open_plain: Open
) -> None:
    server = await serve()
    server.app[PLAIN]._due._seconds = 0.5
    for frame in ("ping", "hello", {"type": "log"}, {"action": "ping"}):
        plain = await open_plain("/ws", CIRCLES, str(server.make_url("")))
        await plain.send(frame)
        code = await plain.closed()
        assert code == 4003
        assert plain.received[-1]["data"]["code"] == "forbidden"


async def test_who_may_read_no_feed_and_says_nothing_is_closed(
    serve: Serve, open_plain: Open
) -> None:
    server = await serve(anonymous_grants=parse_grants(["circles:*:r"]))
    server.app[PLAIN]._due._seconds = 0.05
    url = str(server.make_url(""))
    assert await (await open_plain("/ws", CIRCLES, url)).refusal() == (4003, "forbidden")
    assert await (await open_plain("/ws", None, url)).refusal() == (4001, "unauthorized")
    said = await open_plain("/ws", CIRCLES, url)
    await subscribe(said, "circles")
    for _other in range(2):  # whose deadlines are later
        await (await open_plain("/ws", None, url)).refusal()
    assert await settle(said) == []


async def test_strangers_with_grants_subscribe_without_a_token(
    serve: Serve, open_plain: Open, connect: Connect
) -> None:
    server = await serve(anonymous_grants=parse_grants(["circles:*:r"]))
    url = str(server.make_url(""))
    plain = await open_plain("/ws", None, url)
    *errors, done = await subscribe(plain, "agents", "circles")
    assert [one["topic"] for one in errors] == ["agents"]
    assert done["data"] == {"topics": ["circles"]}
    bob = await connect(token=BOB, url=url)
    await bob.say("Hi")
    assert (await plain.next("user_message"))["data"] == {"content": "Hi"}
    # With a token it begins anew: here with the feeds.
    other = await open_plain("/ws", None, url)
    await other.send({"type": "auth", "token": ALICE})
    await other.send("ping")
    assert await other.read() == {"type": "pong"}


async def test_a_stranger_keeps_the_topics_that_its_token_opens(
    serve: Serve, open_plain: Open, connect: Connect
) -> None:
    server = await serve(anonymous_grants=parse_grants(["circles:*:r", "agents:*:r"]))
    url = str(server.make_url(""))
    plain = await open_plain("/ws", None, url)
    await subscribe(plain, "circles", "agents", "circles:dev-team", "circles:secret")
    await plain.send({"type": "auth", "token": token("eve", "user", "circles:dev-*:r")})
    refused = [(await plain.next("error"))["topic"] for _one in range(3)]
    assert refused == ["agents", "circles", "circles:secret"]
    assert (await plain.next("subscribed"))["data"] == {"topics": ["circles:dev-team"]}
    bob = await connect(token=BOB, url=url)
    await bob.say("unheard", channel="secret")
    await bob.say("unheard", channel="other")
    await bob.say("Hi")
    got = [one["data"] for one in await settle(plain) if one["type"] == "user_message"]
    assert got == [{"content": "Hi"}]


async def test_a_fresh_token_leaves_topics_that_it_does_not_open(
    open_plain: Open, bob: Client
) -> None:
    plain = await open_plain("/ws", CIRCLES)
    await subscribe(plain, "circles", "circles:a", "agents:7")
    fresh = token("eve", "user", "circles:dev-*:r", "agents:7:r")
    await plain.send({"type": "auth", "token": fresh})
    await plain.next("auth")
    await bob.say("1", channel="a")
    await bob.say("2")
    assert [one for one in await settle(plain) if one["type"] == "user_message"] == []


async def test_nobody_is_watched_for_when_the_last_one_has_left(
    serve: Serve, open_plain: Open
) -> None:
    server = await serve()
    url = str(server.make_url(""))
    hub = server.app[HUB]
    plains = [await open_plain("/ws", ALICE, url) for _number in range(2)]
    for plain in plains:
        await subscribe(plain, "circles", "circles:dev-team")
    for plain in plains:
        assert set(hub.watching._watchers) == {"/circles"}
        await plain.socket.close()
    await until(lambda: not hub.watching._watchers)
    while (await hub.members(Channel("/circles", "dev-team"))).count:
        pass


async def test_the_broker_out_of_reach_is_told_and_the_rest_goes_on(
    run_ready: RunReady, open_plain: Open, redis_server: RedisServer
) -> None:
    [process] = await run_ready(1)
    plain = await open_plain("/ws", ALICE, process.url)
    await settle_feeds(plain)
    redis_server.stop()
    [error, *_rest, done] = await subscribe(plain, "circles")
    assert (error["topic"], error["data"]["code"]) == ("circles", "unavailable")
    assert done["data"] == {"topics": []}
    redis_server.start()
    await until_status(process.url)
    assert (await subscribe(plain, "circles"))[-1]["data"]["topics"] == ["circles"]
    await plain.socket.close()


@pytest.mark.parametrize("taken", [(), ("-psubscribe",)])
async def test_the_documented_rights_in_redis_are_enough_for_whole_namespaces(
    run: Run, open_plain: Open, redis_server: RedisServer, taken: tuple[str, ...]
) -> None:
    rules = (*rights(ROOT / "docs/operations.md", "hearth"), *taken)
    redis_server.ask("ACL", "SETUSER", "hearth", "on", ">password", *rules)
    url = redis_server.url.replace("://", "://hearth:password@")
    process = await run(REDIS_URL=url)
    await until_status(process.url)
    plain = await open_plain("/ws", ALICE, process.url)
    await settle_feeds(plain)
    for topic in ("circles", "workspaces", "agents"):
        *errors, done = await subscribe(plain, topic)
        assert [one["data"]["code"] for one in errors] == ["unavailable"] * len(taken)
        assert done["data"]["topics"] == [topic] * (1 - len(taken))
    # What else goes over that connection to Redis goes on.
    assert (await subscribe(plain, "circles:dev-team"))[-1]["data"]["topics"] == [
        "circles:dev-team"
    ]


async def settle_feeds(plain: PlainClient) -> None:
    """Wait until the feeds are joined."""
    await plain.send("ping")
    assert await plain.read() == {"type": "pong"}
