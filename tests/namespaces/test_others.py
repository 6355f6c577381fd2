"""What the other namespaces do beside what circles do."""

from __future__ import annotations

import pytest

from app.core.identity import Grant
from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.tokens import AGENT, ALICE, BOB, SERVICE, token


@pytest.mark.parametrize(
    "namespace", ["/circles", "/workspaces", "/agents", "/notifications", "/chat", "/feeds"]
)
async def test_every_namespace_welcomes(connect: Connect, namespace: str) -> None:
    alice = await connect(namespace)
    welcome = await alice.next("connection_ack")
    await alice.settle()
    assert len(alice.all("connection_ack")) == 1
    data = welcome["data"]
    assert (welcome["type"], data["user_id"], data["kind"]) == ("connection_ack", "alice", "user")
    assert data["server_time"].endswith("Z")
    assert data["limits"]["max_message_bytes"] == 1_000_000
    assert data["limits"]["channels_per_connection"] == 10_000
    pong = await alice.next("pong")
    assert pong["data"]["server_time"].endswith("Z")


async def test_notifications_reach_every_device_of_their_user_alone(connect: Connect) -> None:
    phone, desk = await connect("/notifications"), await connect("/notifications")
    bob, service = await connect("/notifications", BOB), await connect("/notifications", SERVICE)
    for client in (phone, desk, bob):
        await client.settle()
    notification = {"channel": "user:alice", "data": {"title": "Hi", "message": "there"}}
    assert (await service.request("notification", notification))["ok"]
    announcement = {"channel": "broadcast", "data": {"message": "Maintenance at noon"}}
    assert (await service.request("system_announcement", announcement))["ok"]
    for client in (phone, desk):
        assert (await client.next("notification"))["data"]["title"] == "Hi"
        await client.next("system_announcement")
    await bob.next("system_announcement")
    assert bob.all("notification") == []


async def test_nobody_reads_another_users_notifications(connect: Connect) -> None:
    for bearer in (token("eve", "user", "*:*:rw"), token("alice", "agent", "*:*:rw")):
        eve = await connect("/notifications", bearer)
        for event in ("join", "history", "presence"):
            answer = await eve.request(event, {"channel": "user:alice"})
            assert answer["error"]["code"] == "forbidden"
        answer = await eve.request("history", {"channel": "broadcast"})
        assert answer["ok"]
    service = await connect("/notifications", token("ci", "service", "notifications:user:a*:r"))
    assert (await service.request("join", {"channel": "user:alice"}))["ok"]
    assert (await service.request("join", {"channel": "user:bob"}))["error"]["code"] == "forbidden"


async def test_who_is_online_is_not_everybodys_business(connect: Connect) -> None:
    eve = await connect("/notifications", token("eve"))
    answer = await eve.request("presence", {"channel": "broadcast"})
    assert answer["error"]["code"] == "forbidden"
    assert (await eve.request("join", {"channel": "broadcast"}))["presence"] is None
    assert (await eve.request("presence", {"channel": "user:eve"}))["count"] == 1


async def test_users_publish_no_notifications(connect: Connect) -> None:
    alice = await connect("/notifications", ALICE)
    data = {"title": "Hi", "message": "there"}
    answer = await alice.request("notification", {"channel": "user:alice", "data": data})
    assert answer["error"]["code"] == "forbidden"


async def test_an_agent_publishes_its_own_activity_only(connect: Connect) -> None:
    agent, service = await connect("/agents", AGENT), await connect("/agents", SERVICE)
    for client, channel, ok in (
        (agent, "agent-7", True),
        (agent, "agent-8", False),
        (service, "agent-8", True),
    ):
        data = {"status": "busy"}
        answer = await client.request("agent_status", {"channel": channel, "data": data})
        assert answer["ok"] is ok


async def test_a_chat_streams_tokens_in_order(connect: Connect) -> None:
    chat = {"channel": "support/app-1/chat-9"}
    alice, agent = await connect("/chat", ALICE), await connect("/chat", AGENT)
    await alice.request("join", chat)
    await alice.request("user_message", chat | {"data": {"content": "Explain"}})
    for index in range(100):
        token_ = {"message_id": "m1", "index": index, "delta": f"{index} "}
        await agent.send("chat_token", chat | {"data": token_})
    await alice.next("chat_token", 100)
    assert [m["data"]["index"] for m in alice.all("chat_token")] == list(range(100))


@pytest.mark.parametrize(
    ("namespace", "channel"),
    [("/chat", "support/app-1"), ("/chat", "a//b"), ("/notifications", "alice")],
)
async def test_channels_have_the_form_of_their_namespace(
    connect: Connect, namespace: str, channel: str
) -> None:
    alice = await connect(namespace)
    answer = await alice.request("join", {"channel": channel})
    assert answer["error"]["code"] == "invalid"
    assert "channel" in answer["error"]["fields"]


async def test_strangers_have_what_is_granted_to_strangers(serve: Serve, connect: Connect) -> None:
    url = str((await serve(anonymous_grants=(Grant.parse("feeds:codeworm:*:r"),))).make_url(""))
    one, two = [await connect("/feeds", None, url) for _ in range(2)]
    names = {(await client.next("connection_ack"))["data"]["user_id"] for client in (one, two)}
    assert len(names) == 2
    assert (await one.request("join", {"channel": "codeworm:logs"}))["ok"]
    answer = await one.request("join", {"channel": "private"})
    assert answer["error"]["code"] == "forbidden"
