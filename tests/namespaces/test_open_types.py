"""Types that Hearth doesn't know: who publishes them where, and who gets them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.metrics import scrape
from tests.support.ready import until_ready
from tests.support.redis import RedisServer
from tests.support.tokens import AGENT, ALICE, SERVICE, token

CHAT = "support/app-1/chat-1"
DATA = {"a": [1, None], "b": None}
OWN = {"channel": "user:alice", "data": DATA}


@pytest.mark.parametrize("who", [AGENT, SERVICE])
@pytest.mark.parametrize("name", ["chat.input_request", "task_manager_update", "x", "run_event"])
async def test_agents_and_services_publish_any_type_in_chats(
    connect: Connect, who: str, name: str
) -> None:
    alice, publisher = await connect("/chat"), await connect("/chat", who)
    await alice.join(CHAT)
    answer = await publisher.request(name, {"channel": CHAT, "data": DATA, "action": None})
    message = await alice.next(name)
    assert (message["data"], message["offset"], message["type"]) == (DATA, answer["offset"], name)
    assert "action" not in message
    (kept,) = (await alice.request("history", {"channel": CHAT}))["messages"]
    assert kept == message


async def test_services_publish_any_type_in_notifications(connect: Connect) -> None:
    alice, service = await connect("/notifications"), await connect("/notifications", SERVICE)
    assert (await service.request("task_manager_update", OWN))["ok"]
    assert (await alice.next("task_manager_update"))["data"] == DATA


async def test_an_agent_needs_a_grant_and_has_none_of_them_in_notifications(
    connect: Connect,
) -> None:
    reader = await connect("/chat", token("agent-8", "agent", "chat:*:r"))
    answer = await reader.request("x.y", {"channel": CHAT, "data": {}})
    assert answer["error"]["code"] == "forbidden"
    agent = await connect("/notifications", token("agent-8", "agent", "notifications:user:*:w"))
    answer = await agent.request("x.y", OWN)
    assert (answer["error"]["code"], [*answer["error"]["fields"]]) == ("invalid", ["type"])


@pytest.mark.parametrize(
    ("namespace", "who", "name", "nearest"),
    [
        ("/chat", ALICE, "user_mesage", "user_message"),
        ("/chat", ALICE, "artifact_action", None),
        ("/chat", AGENT, "Chat_message", "chat_message"),
        ("/notifications", ALICE, "notification_reed", "notification_read"),
        ("/notifications", AGENT, "notifications", "notification"),
        ("/circles", SERVICE, "agent_mesage", "agent_message"),
        ("/circles", ALICE, "user.input.submit", None),
        ("/feeds", SERVICE, "logs", "log"),
    ],
)
async def test_another_unknown_name_is_invalid_and_the_nearest_is_named(
    connect: Connect, namespace: str, who: str, name: str, nearest: str | None
) -> None:
    client = await connect(namespace, who)
    error = (await client.request(name, {"channel": CHAT, "data": {}}))["error"]
    assert (error["code"], [*error["fields"]]) == ("invalid", ["type"])
    assert ("nearest" in error["fields"]["type"]) is (nearest is not None)
    assert nearest is None or f"is {nearest}." in error["fields"]["type"]


@pytest.mark.parametrize(
    "name",
    [
        *("serve", "unserve", "runs", "run_assigned", "run_input", "run_cancel", "chat_input"),
        *("reconnect", "discontinuity", "connection_ack", "error", "pong", "ack", "auth"),
        *("client.resume", "chat.resume_boundary"),
    ],
)
async def test_names_of_requests_and_of_the_servers_events_are_reserved(
    connect: Connect, name: str
) -> None:
    service = await connect("/chat", SERVICE)
    error = (await service.request(name, {"channel": CHAT, "data": {}}))["error"]
    assert error["code"] == "invalid"
    assert "reserved" in error["fields"]["type"]


async def test_what_is_for_workers_is_unavailable_where_there_are_none(connect: Connect) -> None:
    alice = await connect("/chat")
    error = (await alice.request("user.input.submit", {"channel": CHAT, "data": {}}))["error"]
    assert (error["code"], error["temporary"]) == ("unavailable", True)
    assert "REDIS_URL" in error["message"]


async def test_they_can_be_turned_off(connect: Connect, serve: Serve) -> None:
    url = str((await serve(open_types=False)).make_url(""))
    for who, name in ((SERVICE, "task_manager_update"), (ALICE, "user.input.submit")):
        client = await connect("/chat", who, url=url)
        error = (await client.request(name, {"channel": CHAT, "data": {}}))["error"]
        assert error["code"] == "invalid"


async def test_a_developer_publishes_every_type(connect: Connect, serve: Serve) -> None:
    url = str((await serve(auth_mode="none", auth_secret=None)).make_url(""))
    chat = await connect("/chat", None, url=url)
    for name in ("task_manager_update", "chat.input_request", "chat_status"):
        request = {"channel": CHAT, "data": {"status": "started"}}
        answer = await chat.request(name, request)
        # What is for workers is so for developers too.
        assert answer["ok"] or (answer["error"]["code"], "." in name) == ("unavailable", True)
    circle = await connect("/circles", None, url=url)
    data = {"agent_id": 7, "content": "Hi"}
    assert (await circle.request("agent_message", {"channel": "hall", "data": data}))["ok"]
    assert (await circle.request("no_type", {"channel": "hall", "data": {}}))["error"]["fields"]


class TestWithWorkers:
    @pytest.fixture
    async def server(self, serve: Serve, redis_server: RedisServer) -> TestServer:
        server = await serve(redis_url=redis_server.url)
        await until_ready(server)
        return server

    async def test_a_users_dotted_type_goes_to_workers_alone(
        self, connect: Connect, redis: Any, server: TestServer
    ) -> None:
        alice, agent = await connect("/chat"), await connect("/chat", AGENT)
        for client in (alice, agent):
            await client.join(CHAT)
        request = {"channel": CHAT, "data": DATA, "nonce": "n1"}
        first = await alice.request("user.input.submit", request)
        again = await alice.request("user.input.submit", request)
        assert first.keys() == {"ok", "epoch", "timestamp"}
        assert again == first | {"duplicate": True}
        await agent.settle()
        assert agent.all("user.input.submit") == alice.all("user.input.submit") == []
        assert (await alice.request("history", {"channel": CHAT}))["messages"] == []

        ((_id, entry),) = await redis.xrange("hearth:inbox")
        envelope = json.loads(entry.pop(b"envelope"))
        assert envelope.pop("timestamp") == first["timestamp"]
        assert envelope == {
            "type": "user.input.submit",
            "channel": CHAT,
            "data": DATA,
            "sender": {"id": "alice", "kind": "user"},
            "nonce": "n1",
        }
        assert entry == {
            b"namespace": b"/chat",
            b"channel": CHAT.encode(),
            b"type": b"user.input.submit",
            b"epoch": first["epoch"].encode(),
        }

    async def test_a_nonce_is_one_for_all_types(self, connect: Connect, redis: Any) -> None:
        alice = await connect("/chat")
        say = {"channel": CHAT, "data": {"content": "Hi"}, "nonce": "n1"}
        said = await alice.request("user_message", say)
        answer = await alice.request("x.y", {"channel": CHAT, "data": {}, "nonce": "n1"})
        assert answer["duplicate"] is True
        assert answer["timestamp"] == said["timestamp"]
        answer = await alice.request("x.y", {"channel": CHAT, "data": {}, "nonce": "n2"})
        assert answer["epoch"] == said["epoch"]
        again = await alice.request("user_message", say | {"nonce": "n2"})
        assert again["duplicate"] is True
        assert await redis.xlen("hearth:inbox") == 2

    async def test_they_are_answered_in_the_order_sent(self, connect: Connect, redis: Any) -> None:
        alice = await connect("/chat")
        await alice.join(CHAT)
        for number in range(20):
            name = "user_message" if number % 2 else "user.typed"
            await alice.send(name, {"channel": CHAT, "data": {"content": str(number)}})
        await alice.settle()
        entries = [json.loads(e[b"envelope"]) for _id, e in await redis.xrange("hearth:inbox")]
        assert [one["data"]["content"] for one in entries] == [str(n) for n in range(20)]

    async def test_it_takes_a_grant_and_ones_own_notifications(self, connect: Connect) -> None:
        eve = await connect("/chat", token("eve", "user", "chat:*:r"))
        answer = await eve.request("x.y", {"channel": CHAT, "data": {}})
        assert answer["error"]["code"] == "forbidden"
        eve = await connect("/notifications", token("eve", "user"))
        assert (await eve.request("x.y", {"channel": "user:eve", "data": {}}))["ok"]
        assert (await eve.request("x.y", OWN))["error"]["code"] == "forbidden"

    async def test_workers_publish_any_type(
        self, connect: Connect, worker: Any, server: TestServer
    ) -> None:
        alice = await connect("/chat")
        await alice.join(CHAT)
        await worker.emit("chat.tool_progress", DATA, room=CHAT, namespace="/chat")
        await worker.emit("discontinuity", {}, room=CHAT, namespace="/chat")
        await worker.emit("No Type", {}, room=CHAT, namespace="/chat")
        await worker.emit("chat.end", {}, room=CHAT, namespace="/chat")
        assert (await alice.next("chat.end"))["offset"] == 2
        assert alice.all("chat.tool_progress")[0]["data"] == DATA
        assert alice.all("discontinuity") == []
        metrics = await scrape(server)
        # One label for all of them: their names are the applications'.
        assert metrics["hearth_published_total", ("/chat", "*")] == 2
        assert metrics["hearth_rejected_total", ("socketio",)] == 2
