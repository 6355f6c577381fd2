"""What people build with: the stock socket.io-client talking over each of its transports."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp.test_utils import TestServer

from app.app_keys import SERVER
from namespaces import NAMESPACES
from tests.fixtures.node import ConnectNode
from tests.support.node import TRANSPORTS, NodeClient, NodeDriver
from tests.support.tokens import AGENT, ALICE, BOB

MESSAGES = 200
TEXTS = [
    "Grüße, Ærø, Ελλάδα, 日本語",
    "👩‍👩‍👧‍👦 🏳️‍🌈 ✊🏽",
    "𠜎 𐍈 \U0010ffff",  # beyond 16 bits
    'a "quote", a \\, a \x00, a \u2028 and \x1e, which ends a packet in polling',
    "",
]


def message(content: str, **further: Any) -> dict[str, Any]:
    return {"channel": "dev-team", "data": {"content": content}, **further}


async def test_a_member_joins_talks_reads_back_and_leaves(
    connect_node: ConnectNode, transport: str
) -> None:
    alice = await connect_node(token=ALICE, transport=transport)
    agent = await connect_node(token=AGENT, transport=transport)
    joined = await alice.request("join", {"channel": "dev-team"})
    assert (joined["ok"], joined["offset"], joined["messages"]) == (True, 0, [])
    await agent.join()
    sent = await alice.request("user_message", message("Hello", nonce="n1"))
    assert sent["ok"] is True

    received = await agent.next("user_message")
    assert received == {
        "type": "user_message",
        "channel": "dev-team",
        "data": {"content": "Hello"},
        "timestamp": sent["timestamp"],
        "sender": {"id": "alice", "kind": "user"},
        "nonce": "n1",
        "offset": sent["offset"],
    }
    history = await agent.request("history", {"channel": "dev-team", "limit": 1})
    assert (history["messages"], history["epoch"]) == ([received], joined["epoch"])
    presence = await alice.request("presence", {"channel": "dev-team"})
    assert [(one["id"], one["kind"]) for one in presence["members"]] == [
        ("alice", "user"),
        ("agent-7", "agent"),
    ]

    assert await agent.request("leave", {"channel": "dev-team"}) == {"ok": True}
    await alice.next("agent_left")
    await alice.request("user_message", message("Anybody?"))
    await agent.settle()
    assert agent.all("user_message") == [received]


async def test_each_transport_is_the_one_asked_for(
    connect_node: ConnectNode, transport: str
) -> None:
    client = await connect_node(transport=transport)
    first = "websocket" if transport == "websocket" else "polling"
    assert [moment["transport"] for moment in client.moments("open")] == [first]
    upgrades = ["websocket"] if transport == "upgrade" else []
    assert [moment["transport"] for moment in client.moments("upgrade")] == upgrades


async def test_all_namespaces_share_a_connection_and_each_says_welcome_once(
    server: TestServer, node: NodeDriver, transport: str
) -> None:
    url, options = str(server.make_url("")), TRANSPORTS[transport] | {"auth": {"token": ALICE}}
    clients = [
        node.open(url, namespace.path, forceNew=False, **options) for namespace in NAMESPACES
    ]
    for client in clients:
        await client.next("connection_ack")
        await client.settle()
        happened = [line.get("on") or line.get("event") for line in client.happened]
        names = [name for name in happened if name not in ("open", "upgrade")]
        assert names[:2] == ["connect", "connection_ack"]
        [welcome] = client.all("connection_ack")
        assert welcome["data"]["user_id"] == "alice"
    assert len(server.app[SERVER].eio.sockets) == 1


async def _send_in_bursts(client: NodeClient, texts: list[str], burst: int) -> list[dict[str, Any]]:
    """Send without waiting for each message's answer; over polling, for each burst's."""
    answers: list[dict[str, Any]] = []
    for start in range(0, len(texts), burst):
        posted = [client.post("user_message", message(text)) for text in texts[start:][:burst]]
        answers += await asyncio.gather(*posted)
    return answers


async def test_two_clients_talk_in_order_in_both_directions(
    connect_node: ConnectNode, transport: str
) -> None:
    alice = await connect_node(token=ALICE, transport=transport)
    bob = await connect_node(token=BOB, transport=transport)
    for client in (alice, bob):
        await client.join()
    # The stock engine drops a POST of more than 16 packets, see tests/realtime/test_polling.py.
    burst = 10 if transport == "polling" else MESSAGES
    texts = {alice: [f"a{n}" for n in range(MESSAGES)], bob: [f"b{n}" for n in range(MESSAGES)]}
    answers = await asyncio.gather(
        *(_send_in_bursts(client, texts[client], burst) for client in (alice, bob))
    )
    await alice.next("user_message", 2 * MESSAGES)
    await bob.next("user_message", 2 * MESSAGES)

    assert sorted(answer["offset"] for sent in answers for answer in sent) == list(
        range(1, 2 * MESSAGES + 1)
    )
    for client, sent in zip((alice, bob), answers, strict=True):
        assert client.answers()[1:] == sent  # the first answered the join
        received = client.all("user_message")
        assert [one["offset"] for one in received] == list(range(1, 2 * MESSAGES + 1))
        for sender in (alice, bob):
            mine = [one["data"]["content"] for one in received]
            assert [text for text in mine if text in set(texts[sender])] == texts[sender]


async def test_no_message_is_lost_while_the_transport_changes(
    connect_node: ConnectNode, server: TestServer, node: NodeDriver
) -> None:
    alice = await connect_node(token=ALICE)
    await alice.join()
    bob = node.open(
        str(server.make_url("")),
        "/circles",
        transports=["polling", "websocket"],
        auth={"token": BOB},
    )
    joined = bob.post("join", {"channel": "dev-team"})
    echoes = 0
    while not bob.moments("upgrade"):
        posted = [one.post("user_message", message("now")) for one in (alice, bob)]
        await asyncio.gather(*posted)
        echoes += 2
    assert (await joined)["ok"] is True
    await alice.next("user_message", echoes)
    await bob.settle()
    first = (await joined)["offset"] + 1
    offsets = [one["offset"] for one in bob.all("user_message")]
    assert offsets == list(range(first, echoes + 1))


async def test_texts_arrive_as_they_were_written(connect_node: ConnectNode, transport: str) -> None:
    client = await connect_node(transport=transport)
    await client.join()
    for text in TEXTS:
        await client.request("user_message", message(text))
    await client.next("user_message", len(TEXTS))
    assert [one["data"]["content"] for one in client.all("user_message")] == TEXTS


async def test_a_long_text_arrives_whole(connect_node: ConnectNode) -> None:
    client = await connect_node(transport="websocket")
    reader = await connect_node(transport="polling")
    text = "Wörter 🚀 " * 25_000
    assert len(text.encode()) > 300_000
    for one in (client, reader):
        await one.join()
    await client.request("user_message", message(text))
    for one in (client, reader):
        assert (await one.next("user_message"))["data"] == {"content": text}


async def test_a_text_of_a_polling_clients_one_segment_arrives_whole(
    connect_node: ConnectNode,
) -> None:
    client = await connect_node(transport="polling")
    text = "ö" * 7_000
    await client.join()
    await client.request("user_message", message(text))
    assert (await client.next("user_message"))["data"] == {"content": text}


async def test_a_failure_that_nobody_waits_for_comes_as_an_event(
    connect_node: ConnectNode, transport: str
) -> None:
    client = await connect_node(transport=transport)
    client.send("join", {"channel": "no~tilde"})
    error = await client.next("error")
    assert error["type"] == "error"
    assert error["ok"] is False
    assert error["error"] == error["data"]
    assert error["data"]["code"] == "invalid"
    assert list(error["data"]["fields"]) == ["channel"]
