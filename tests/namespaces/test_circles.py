"""People and agents in a circle: messages, who is there, what was missed."""

from __future__ import annotations

from typing import Any

from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.client import Client
from tests.support.tokens import AGENT, ALICE, BOB, token

CIRCLE = {"channel": "dev-team"}


def says(content: str, **further: Any) -> dict[str, Any]:
    return {**CIRCLE, "data": {"content": content}, **further}


async def joined(client: Client, **request: Any) -> Any:
    answer = await client.request("join", CIRCLE | request)
    assert answer["ok"] is True, answer
    return answer


async def test_a_message_reaches_every_member_and_its_author_gets_its_place(
    connect: Connect,
) -> None:
    alice, bob = await connect(token=ALICE), await connect(token=BOB)
    for client in (alice, bob):
        await joined(client)
    sent = await alice.request("user_message", says("Hello", nonce="n1", action="created"))
    message = await bob.next("user_message")
    assert message == {
        "type": "user_message",
        "channel": "dev-team",
        "data": {"content": "Hello"},
        "timestamp": sent["timestamp"],
        "action": "created",
        "sender": {"id": "alice", "kind": "user"},
        "nonce": "n1",
        "offset": sent["offset"],
    }
    assert await alice.next("user_message") == message


async def test_a_publisher_need_not_have_joined(connect: Connect) -> None:
    alice, bob = await connect(token=ALICE), await connect(token=BOB)
    await joined(bob)
    assert (await alice.request("user_message", says("Hello")))["ok"]
    await bob.next("user_message")
    await alice.settle()
    assert alice.all("user_message") == []


async def test_typing_is_delivered_and_not_kept(connect: Connect) -> None:
    alice, bob = await connect(token=ALICE), await connect(token=BOB)
    await joined(bob)
    sent = await alice.request("typing", CIRCLE | {"data": {"typing": True}})
    assert "offset" not in sent
    assert "offset" not in await bob.next("typing")
    history = await bob.request("history", CIRCLE)
    assert (history["messages"], history["offset"], history["more"]) == ([], 0, False)


async def test_a_retry_with_the_same_nonce_is_published_once(connect: Connect) -> None:
    alice, bob = await connect(token=ALICE), await connect(token=BOB)
    await joined(bob)
    first = await alice.request("user_message", says("Hello", nonce="n1"))
    repeat = await alice.request("user_message", says("Hello", nonce="n1"))
    assert repeat == first | {"duplicate": True}
    other = await bob.request("user_message", says("Hello", nonce="n1"))
    assert (other["offset"], other.get("duplicate")) == (first["offset"] + 1, None)
    await bob.next("user_message", 2)
    assert [m["sender"]["id"] for m in bob.all("user_message")] == ["alice", "bob"]


async def test_who_missed_fifty_messages_gets_exactly_these(connect: Connect) -> None:
    alice, bob = await connect(token=ALICE), await connect(token=BOB)
    place = await joined(bob)
    await bob.disconnect()
    for number in range(50):
        await alice.request("user_message", says(str(number)))
    bob = await connect(token=BOB)
    since = {"offset": place["offset"], "epoch": place["epoch"]}
    again = await joined(bob, since=since)
    assert again["recovered"] is True
    assert [m["data"]["content"] for m in again["messages"]] == [str(n) for n in range(50)]
    assert [m["offset"] for m in again["messages"]] == list(range(1, 51))
    await alice.request("user_message", says("live"))
    assert (await bob.next("user_message"))["offset"] == 51
    assert len(bob.all("user_message")) == 1


async def test_who_missed_more_than_is_kept_is_told(serve: Serve, connect: Connect) -> None:
    url = str((await serve(history_size=10)).make_url(""))
    alice = await connect(url=url)
    place = await joined(alice)
    for number in range(11):
        await alice.request("user_message", says(str(number)))
    since = {"offset": place["offset"], "epoch": place["epoch"]}
    lost = await joined(alice, since=since)
    assert (lost["recovered"], [m["offset"] for m in lost["messages"]]) == (
        False,
        list(range(2, 12)),
    )
    whole = await joined(alice, since=since | {"offset": 1})
    assert (whole["recovered"], len(whole["messages"])) == (True, 10)
    other = await joined(alice, since=since | {"epoch": "another"}, history=3)
    assert (other["recovered"], [m["offset"] for m in other["messages"]]) == (False, [9, 10, 11])


async def test_history_is_read_backwards_in_pages(connect: Connect) -> None:
    alice = await connect()
    for number in range(5):
        await alice.request("user_message", says(str(number)))
    newest = await alice.request("history", CIRCLE | {"limit": 2})
    assert ([m["offset"] for m in newest["messages"]], newest["more"]) == ([4, 5], True)
    before = await alice.request("history", CIRCLE | {"before": 4})
    assert ([m["offset"] for m in before["messages"]], before["more"]) == ([1, 2, 3], False)


async def test_an_agent_on_two_connections_joins_and_leaves_once(connect: Connect) -> None:
    alice = await connect(token=ALICE)
    await joined(alice)
    first, second = await connect(token=AGENT), await connect(token=AGENT)
    for connection in (first, second):
        await joined(connection)
    there = await alice.request("presence", CIRCLE)
    assert there["count"] == 2
    agent = there["members"][1]
    assert (agent["id"], agent["kind"], agent["connections"]) == ("agent-7", "agent", 2)
    await first.disconnect()
    await second.request("leave", CIRCLE)
    left = await alice.next("agent_left")
    assert left["data"] == {"agent_id": "agent-7"}
    assert [m["data"]["agent_id"] for m in alice.all("agent_joined")] == ["agent-7"]
    assert len(alice.all("agent_left")) == 1
    assert left["offset"] == alice.all("agent_joined")[0]["offset"] + 1


async def test_circle_status_follows_every_change(connect: Connect) -> None:
    alice = await connect(token=ALICE)
    await joined(alice)
    status = await alice.next("circle_status")
    me = {"id": "alice", "kind": "user"}
    assert status["data"] == {"online": 1, "members": [me]}
    assert "offset" not in status
    bob = await connect(token=BOB)
    await joined(bob)
    await bob.disconnect()
    await joined(await connect(token=AGENT))
    while (status := alice.all("circle_status")[-1])["data"]["online"] != 2:
        await alice.next("circle_status", len(alice.all("circle_status")) + 1)
    assert status["data"]["members"] == [me, {"id": "agent-7", "kind": "agent"}]


async def test_grants_are_checked_for_every_request(connect: Connect) -> None:
    reader = await connect(token=token("eve", "user", "circles:dev-team:r", "circles:drop:w"))
    drop, elsewhere = {"channel": "drop"}, {"channel": "elsewhere"}
    message = {"data": {"content": "x"}}
    refused = [
        ("user_message", CIRCLE | message),
        ("user_message", elsewhere | message),
        *((request, channel) for request in ("join", "history", "presence")
          for channel in (drop, elsewhere)),
    ]  # fmt: skip
    for event, argument in refused:
        answer = await reader.request(event, argument)
        assert (event, answer["error"]["code"]) == (event, "forbidden")
    for event, argument in (
        ("user_message", drop | message),
        *((request, CIRCLE) for request in ("join", "history", "presence")),
    ):
        assert (await reader.request(event, argument))["ok"]


async def test_kinds_publish_what_is_theirs(connect: Connect) -> None:
    alice = await connect(token=ALICE)
    agent_message = CIRCLE | {"data": {"agent_id": 7, "content": "x"}}
    answer = await alice.request("agent_message", agent_message)
    assert answer["error"]["code"] == "forbidden"
    for forged in ("agent_joined", "agent_left"):
        answer = await alice.request(forged, CIRCLE | {"data": {"agent_id": 7}})
        assert answer["error"]["code"] == "forbidden"
    agent = await connect(token=AGENT)
    assert (await agent.request("agent_message", agent_message))["ok"]
    assert (await agent.request("agent_message", says("x")))["ok"]
    assert (await agent.request("user_message", says("x")))["ok"]


async def test_leaving_ends_deliveries(connect: Connect) -> None:
    alice, bob = await connect(token=ALICE), await connect(token=BOB)
    await joined(bob)
    assert await bob.request("leave", CIRCLE) == {"ok": True}
    assert await bob.request("leave", CIRCLE) == {"ok": True}
    await alice.request("user_message", says("Hello"))
    await bob.settle()
    assert bob.all("user_message") == []
