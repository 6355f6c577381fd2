"""Workers are trusted: what isn't used is not judged, and half an emoji loses no message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fixtures.clients import Connect
from tests.support.tokens import AGENT

CHAT = "support/app-1/chat-1"
ROOM: dict[str, Any] = {"room": "hall", "namespace": "/circles"}
EMOJI = "\N{GRINNING FACE}"
HIGH, LOW = "\ud83d", "\ude00"


@pytest.mark.parametrize(
    "further",
    [
        {"timestamp": "2026-11-20T12:00:00"},
        {"timestamp": 1_795_176_000_000},
        {"timestamp": None},
        {"offset": "7"},
        {"channel": None},
        {"nonce": None, "action": None, "sender": None},
        {"sender": {"id": 7, "kind": "agent", "name": "Seven"}},
    ],
    ids=repr,
)
async def test_no_message_is_lost_for_what_is_not_used(
    connect: Connect, worker: Any, redis: Any, further: dict[str, Any]
) -> None:
    alice = await connect()
    await alice.join("hall")
    data = {"agent_id": 7, "content": "Hi"}
    await worker.emit("agent_message", {"type": "agent_message", "data": data} | further, **ROOM)
    message = await alice.next("agent_message")
    assert (message["data"], message["offset"], message["channel"]) == (data, 1, "hall")
    assert message["timestamp"] > "2026-11-20T12:00:00.000Z"
    assert None not in message.values()
    assert await redis.xlen("hearth:rejected") == 0


async def test_keys_that_envelopes_do_not_have_are_kept_in_data(
    connect: Connect, worker: Any, redis: Any
) -> None:
    alice = await connect()
    await alice.join("hall")
    data = {"agent_id": 7, "content": "Hi"}
    envelope = {"type": "agent_message", "data": data, "priority": 3, "content": "not this"}
    await worker.emit("agent_message", envelope, **ROOM)
    await redis.publish("agent.message", json.dumps(envelope | {"circle_name": "hall"}))
    await alice.next("agent_message", 2)
    for message in alice.all("agent_message"):
        assert message["data"] == data | {"priority": 3}


async def test_a_null_on_the_bus_is_a_key_left_out(connect: Connect, redis: Any) -> None:
    alice = await connect("/agents")
    await alice.join("7")
    await redis.publish("agent.status", '{"agent_id":7,"status":"busy","detail":null,"free":null}')
    message = await alice.next("agent_status")
    assert message["data"] == {"agent_id": 7, "status": "busy", "free": None}


async def test_what_is_used_is_judged(connect: Connect, worker: Any, redis: Any) -> None:
    alice = await connect()
    await alice.join("hall")
    data = {"agent_id": 7, "content": "Hi"}
    for wrong in ({"channel": "other"}, {"nonce": 5}, {"sender": {"id": 7}}):
        await worker.emit("agent_message", {"type": "agent_message", "data": data} | wrong, **ROOM)
    await worker.emit("agent_message", data, **ROOM)
    assert (await alice.next("agent_message"))["offset"] == 1
    assert await redis.xlen("hearth:rejected") == 3


def tokens(*deltas: str) -> list[dict[str, Any]]:
    return [
        {"message_id": "m", "index": index, "delta": delta} for index, delta in enumerate(deltas)
    ]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (["Hi " + HIGH, LOW + "!"], ["Hi ", EMOJI + "!"]),
        ([HIGH, LOW], ["", EMOJI]),
        ([HIGH, LOW + HIGH, LOW], ["", EMOJI, EMOJI]),
        ([HIGH + LOW], [EMOJI]),
        (["a" + LOW + "b", HIGH + "c"], ["a\ufffdb", "\ufffdc"]),
        ([LOW + "a"], ["\ufffda"]),
        ([HIGH, "a", LOW], ["", "a", "\ufffd"]),
    ],
    ids=repr,
)
async def test_halves_of_an_emoji_are_joined_over_tokens(
    connect: Connect, worker: Any, sent: list[str], shown: list[str]
) -> None:
    alice = await connect("/chat")
    await alice.join(CHAT)
    for data in tokens(*sent):
        await worker.emit("chat_token", data, room=CHAT, namespace="/chat")
    await alice.next("chat_token", len(sent))
    assert [one["data"]["delta"] for one in alice.all("chat_token")] == shown


async def test_halves_of_two_messages_are_not_mixed(connect: Connect, worker: Any) -> None:
    alice = await connect("/chat")
    await alice.join(CHAT)
    for data in (*tokens(HIGH), *tokens(HIGH), *tokens("", LOW)[1:]):
        await worker.emit("chat_token", data, room=CHAT, namespace="/chat")
    other = {"message_id": "n", "index": 1, "delta": LOW}
    await worker.emit("chat_token", other, room=CHAT, namespace="/chat")
    assert (await alice.next("chat_token", 3))["data"]["delta"] == EMOJI
    assert (await alice.next("chat_token", 4))["data"]["delta"] == "\ufffd"


async def test_an_agents_halves_are_joined_too(connect: Connect) -> None:
    agent = await connect("/chat", AGENT)
    await agent.join(CHAT)
    for data in tokens(HIGH, LOW):
        assert (await agent.request("chat_token", {"channel": CHAT, "data": data}))["ok"]
    assert (await agent.next("chat_token", 2))["data"]["delta"] == EMOJI


async def test_half_an_emoji_elsewhere_loses_no_message_either(
    connect: Connect, worker: Any, redis: Any
) -> None:
    alice = await connect()
    await alice.join("hall")
    data = {"agent_id": 7, "content": "cut " + HIGH, "free": {"a\ud800": [LOW]}}
    await worker.emit("agent_message", data, **ROOM)
    await redis.publish("agent.message", json.dumps(data | {"circle_name": "hall"}))
    await alice.next("agent_message", 2)
    expected = {"agent_id": 7, "content": "cut \ufffd", "free": {"a\ufffd": ["\ufffd"]}}
    assert alice.all("agent_message")[0]["data"] == expected
    assert alice.all("agent_message")[1]["data"] == expected | {"circle_name": "hall"}
