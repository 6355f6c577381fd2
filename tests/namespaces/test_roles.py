"""Roles: what agents and users publish in each other's places, from outside."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.clients import Connect
from tests.support.tokens import ALICE, BOB, SERVICE, token

NOTE = {"title": "Done", "message": "It is built."}
TEAM = "dev-team"


@pytest.mark.parametrize("name", ["notification", "task_update"])
async def test_an_agent_notifies_its_user(connect: Connect, name: str) -> None:
    alice = await connect("/notifications")
    agent = await connect("/notifications", token("a7", "agent", "notifications:user:alice:w"))
    data: Any = NOTE if name == "notification" else {"task_id": 7, "title": None}
    assert (await agent.request(name, {"channel": "user:alice", "data": data}))["ok"]
    message = await alice.next(name)
    assert message["sender"] == {"id": "a7", "kind": "agent"}
    assert message["data"] == {key: item for key, item in data.items() if item is not None}
    for channel in ("user:bob", "broadcast"):
        answer = await agent.request(name, {"channel": channel, "data": data})
        assert answer["error"]["code"] == "forbidden"


async def test_what_a_user_has_read_reaches_all_its_devices(connect: Connect) -> None:
    phone = await connect("/notifications", token("ann", "user"))
    laptop = await connect("/notifications", token("ann", "user"))
    for data in ({"ids": [1, "a"]}, {"all": True, "ids": None}):
        answer = await phone.request("notification_read", {"channel": "user:ann", "data": data})
        assert answer["ok"]
    assert (await laptop.next("notification_read"))["data"] == {"ids": [1, "a"]}
    assert (await laptop.next("notification_read", 2))["data"] == {"all": True}
    page = await laptop.request("history", {"channel": "user:ann"})
    assert len(page["messages"]) == 2
    for who in (ALICE, BOB):
        other = await connect("/notifications", who)
        for channel in ("user:ann", "broadcast"):
            request = {"channel": channel, "data": {"all": True}}
            answer = await other.request("notification_read", request)
            assert answer["error"]["code"] == "forbidden"


async def test_an_agents_messages_bear_its_own_name(connect: Connect) -> None:
    alice, service = await connect(), await connect("/workspaces", SERVICE)
    await alice.join(TEAM)
    agent = await connect(token=token("a7", "agent", "*:*:rw", agent_id=7))
    for named in ({}, {"agent_id": None}, {"agent_id": "a7"}, {"agent_id": 7}):
        data = {"content": "Hi", **named}
        assert (await agent.request("agent_message", {"channel": TEAM, "data": data}))["ok"]
    await alice.next("agent_message", 4)
    shown = [message["data"]["agent_id"] for message in alice.all("agent_message")]
    assert shown == ["a7", "a7", "a7", 7]
    data = {"content": "Hi", "agent_id": "a8"}
    answer = await agent.request("agent_message", {"channel": TEAM, "data": data})
    assert answer["error"]["code"] == "forbidden"
    # A service speaks for any agent, and for none.
    change = {"channel": "site", "data": {"path": "a.py", "agent_id": 8}}
    assert (await service.request("file_changed", change))["ok"]
    assert (await service.request("file_changed", change | {"data": {"path": "a.py"}}))["ok"]
    page = await service.request("history", {"channel": "site"})
    assert [one["data"].get("agent_id") for one in page["messages"]] == [8, None]
