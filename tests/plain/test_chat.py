"""Chats: they begin with history, and their messages are numbered across epochs."""

from __future__ import annotations

from typing import Any

import pytest

from app.app_keys import HUB
from app.core.channel import Channel
from tests.fixtures.clients import Connect
from tests.fixtures.processes import RunReady
from tests.fixtures.servers import Serve
from tests.plain.conftest import TEAM, Open
from tests.support.client import Client
from tests.support.plain import JSON, PlainClient
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE, BOB, SERVICE

CHAT = "support/app-1/chat-1"
PATH = f"/ws/{CHAT}/alice"


@pytest.fixture
async def bob(connect: Connect) -> Client:
    """Somebody who talks in the chat."""
    return await connect("/chat", BOB)


async def say(client: Client, *contents: object) -> None:
    await client.say(*contents, channel=CHAT)


def contents(messages: list[JSON]) -> list[str]:
    return [one["data"]["content"] for one in messages if one["type"] == "user_message"]


async def resume(plain: PlainClient, number: object) -> list[JSON]:
    """Ask for what follows a number; return what comes up to the boundary, and it."""
    await plain.send({"type": "client.resume", "chat_id": "chat-1", "lastClientIndex": number})
    answer = [await plain.read()]
    while answer[-1]["type"] not in ("chat.resume_boundary", "error"):
        answer.append(await plain.read())
    return answer


async def test_a_chat_begins_with_the_newest_fifty(open_plain: Open, bob: Client) -> None:
    await say(bob, *range(60))
    plain = await open_plain(PATH)
    assert (await plain.read())["data"]["channels"][0]["offset"] == 10
    assert contents(await plain.settle()) == [str(number) for number in range(10, 60)]
    asked = await open_plain(PATH, history=2)
    await asked.read()
    assert contents(await asked.settle()) == ["58", "59"]
    none = await open_plain(PATH, history=0)
    await none.read()
    assert await none.settle() == []


async def test_with_since_only_what_follows_comes(open_plain: Open, bob: Client) -> None:
    first = await open_plain(PATH)
    [place] = (await first.read())["data"]["channels"]
    await say(bob, 1, 2, 3)
    plain = await open_plain(PATH, since=f"{place['epoch']}:1")
    await plain.read()
    assert contents(await plain.settle()) == ["2", "3"]
    lost = await open_plain(PATH, since="other:1", history=2)
    await lost.read()
    assert (await lost.read())["type"] == "discontinuity"
    assert contents(await lost.settle()) == ["2", "3"]


async def test_seq_rises_by_one_live_and_in_history(open_plain: Open, bob: Client) -> None:
    plain = await open_plain(PATH)
    await plain.read()
    await say(bob, 1, 2)
    live = [await plain.next("user_message") for _number in range(2)]
    again = await open_plain(PATH)
    await again.read()
    assert [one["seq"] for one in await again.settle()] == [one["seq"] for one in live]
    assert live[1]["seq"] == live[0]["seq"] + 1
    assert live[0]["seq"] - live[0]["offset"] > 0
    assert live[1]["seq"] < 1 << 53
    circle = await open_plain(TEAM)
    await circle.send({"type": "user_message", "content": "Hi"})
    assert "seq" not in await circle.next("user_message")


async def test_resume_is_answered_with_what_follows(open_plain: Open, bob: Client) -> None:
    await say(bob, 1, 2, 3)
    plain = await open_plain(PATH)
    await plain.read()
    first, second, third = [await plain.read() for _number in range(3)]
    answer = await resume(plain, first["seq"])
    assert answer[:-1] == [second, third]
    boundary = answer[-1]
    assert (boundary["channel"], boundary["data"]["replayed_events"]) == (CHAT, 2)
    assert boundary["data"]["seq"] == third["seq"]
    assert (await resume(plain, third["seq"]))[:-1] == []
    for nothing_seen in (0, -1):
        assert (await resume(plain, nothing_seen))[:-1] == [first, second, third]
    await say(bob, 4)
    assert (await plain.read())["seq"] == third["seq"] + 1  # and once


async def test_the_boundary_comes_behind_all_of_a_long_answer(
    open_plain: Open, bob: Client
) -> None:
    for number in range(40):
        data = {"content": str(number), "padding": "x" * 50_000}
        await bob.request("user_message", {"channel": CHAT, "data": data})
    plain = await open_plain(PATH, history=0)
    await plain.read()
    *messages, boundary = await resume(plain, 0)
    assert contents(messages) == [str(number) for number in range(40)]
    assert boundary["data"] == {"replayed_events": 40, "seq": messages[-1]["seq"]}


async def test_what_history_no_longer_has_is_told(
    serve: Serve, open_plain: Open, connect: Connect
) -> None:
    url = str((await serve(history_size=2)).make_url(""))
    bob = await connect("/chat", BOB, url=url)
    await say(bob, 1)
    plain = await open_plain(PATH, url=url)
    await plain.read()
    seen = await plain.read()
    await say(bob, 2, 3, 4)
    await plain.settle()
    for place in (
        seen["seq"],  # trimmed
        0,
        seen["seq"] - 1_000_000,  # of an older life
        seen["seq"] + 1_000_000,  # of one that isn't known
        5,
        (1 << 53) - 1,
    ):
        lost, *rest, boundary = await resume(plain, place)
        assert (lost["type"], lost["channel"]) == ("discontinuity", CHAT)
        assert lost["data"]["offset"] == 2
        assert contents(rest) == ["3", "4"]
        assert boundary["data"]["replayed_events"] == 2


@pytest.mark.parametrize("place", [None, "5", 1.5, True, [], 1 << 53])
async def test_a_place_that_is_none_is_an_error(open_plain: Open, place: Any) -> None:
    plain = await open_plain(PATH)
    await plain.read()
    [error] = await resume(plain, place)
    assert (error["data"]["code"], list(error["data"]["fields"])) == (
        "invalid",
        ["lastClientIndex"],
    )
    assert await plain.settle() == []


async def test_the_next_life_has_higher_numbers(
    run_ready: RunReady, open_plain: Open, connect: Connect, redis_server: RedisServer
) -> None:
    [process] = await run_ready(1)
    bob = await connect("/chat", BOB, url=process.url)
    plain = await open_plain(PATH, url=process.url)
    await plain.read()
    await say(bob, *range(5))
    before = [(await plain.next("user_message"))["seq"] for _number in range(5)]
    redis_server.ask("FLUSHALL")
    await say(bob, "anew")
    await plain.next("discontinuity")
    after = await plain.next("user_message")
    assert after["offset"] == 1
    assert after["seq"] > before[-1]
    lost, message, _boundary = await resume(plain, before[-1])
    assert (lost["type"], message["seq"]) == ("discontinuity", after["seq"])


async def test_numbers_are_the_same_in_every_process(
    run_ready: RunReady, open_plain: Open, connect: Connect
) -> None:
    one, two = await run_ready(2)
    plains = [await open_plain(PATH, url=process.url) for process in (one, two)]
    bob = await connect("/chat", BOB, url=one.url)
    await say(bob, "Hi")
    here, there = [await plain.next("user_message") for plain in plains]
    assert here["seq"] == there["seq"]


async def test_an_underscore_is_whoever_the_token_says(
    serve: Serve, open_plain: Open, connect: Connect
) -> None:
    plain = await open_plain(f"/ws/{CHAT}/_")
    assert (await plain.read())["data"]["user_id"] == "alice"
    plain = await open_plain("/ws/notifications/_")
    places = (await plain.read())["data"]["channels"]
    assert [one["channel"] for one in places] == ["user:alice", "broadcast"]
    service = await connect("/notifications", SERVICE)
    data = {"title": "t", "message": "m"}
    await service.request("notification", {"channel": "user:alice", "data": data})
    assert (await plain.next("notification"))["channel"] == "user:alice"
    # Services publish to whom they like elsewhere; here the path's channel is their own.
    mine = await open_plain("/ws/notifications/_", SERVICE)
    assert (await mine.read())["data"]["channels"][0]["channel"] == "user:ci"
    url = str((await serve(auth_mode="none", auth_secret=None)).make_url(""))
    developer = await open_plain("/ws/notifications/_", None, url)
    assert (await developer.read())["data"]["channels"][0]["channel"] == "user:developer"


@pytest.mark.parametrize("history", ["-1", "x", "1001", "1.5", "", "٣", "99999"])
async def test_a_history_that_is_none_is_refused(open_plain: Open, history: str) -> None:
    plain = await open_plain(TEAM, history=history)
    assert await plain.refusal() == (4004, "invalid")
    assert list(plain.received[0]["data"]["fields"]) == ["history"]


async def test_history_begins_with_the_newest_of_all_channels_of_a_path(
    open_plain: Open, connect: Connect
) -> None:
    service = await connect("/notifications", SERVICE)
    for number in range(6):
        if number % 2:
            channel, name, data = "broadcast", "system_announcement", {"message": str(number)}
        else:
            channel, name = "user:alice", "notification"
            data = {"message": str(number), "title": "t"}
        assert (await service.request(name, {"channel": channel, "data": data}))["ok"]
    plain = await open_plain("/ws/notifications/alice", history=3)
    places = (await plain.read())["data"]["channels"]
    assert [(one["channel"], one["offset"]) for one in places] == [
        ("user:alice", 2),
        ("broadcast", 1),
    ]
    assert [one["data"]["message"] for one in await plain.settle()] == ["3", "4", "5"]


async def test_a_subtype_is_on_top_too(open_plain: Open, connect: Connect) -> None:
    plain = await open_plain("/ws/notifications/alice")
    await plain.read()
    service = await connect("/notifications", SERVICE)
    data = {"title": "t", "message": "m", "subtype": "new"}
    await service.request("notification", {"channel": "user:alice", "data": data})
    got = await plain.next("notification")
    assert (got["subtype"], got["data"]) == ("new", data)
    del data["subtype"]
    await service.request("notification", {"channel": "user:alice", "data": data})
    assert "subtype" not in await plain.next("notification")


async def test_a_chat_is_left_with_its_connection(serve: Serve, open_plain: Open) -> None:
    server = await serve()
    plain = await open_plain(PATH, ALICE, str(server.make_url("")))
    await plain.read()
    await resume(plain, 0)  # joins again
    hub, channel = server.app[HUB], Channel("/chat", CHAT)
    assert (await hub.members(channel)).count == 1
    await plain.socket.close()
    while (await hub.members(channel)).count:
        pass
