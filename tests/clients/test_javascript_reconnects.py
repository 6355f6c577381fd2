"""What the stock socket.io-client has after it lost its connection (promises 2 and 3)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import HUB
from tests.fixtures.node import ConnectNode
from tests.fixtures.servers import Serve
from tests.support.server import drop
from tests.support.tokens import ALICE, BOB

HISTORY_SIZE = 20


def message(number: int) -> dict[str, Any]:
    return {"channel": "dev-team", "data": {"content": str(number)}}


def numbers(messages: list[dict[str, Any]]) -> list[int]:
    return [int(one["data"]["content"]) for one in messages]


async def test_it_comes_back_by_itself(
    connect_node: ConnectNode, server: TestServer, transport: str
) -> None:
    client = await connect_node(transport=transport)
    before = client.sid
    await drop(server, client)
    assert (await client.moment("disconnect"))["reason"] in ("transport close", "transport error")
    await client.moment("connect", 2)
    await client.next("connection_ack", 2)
    assert client.sid != before


async def test_it_comes_back_after_losing_its_network(
    connect_node: ConnectNode, transport: str
) -> None:
    client = await connect_node(transport=transport)
    client.drop()
    assert (await client.moment("disconnect"))["reason"] in ("transport close", "transport error")
    await client.moment("connect", 2)
    assert (await client.request("ping"))["ok"] is True


async def test_who_rejoins_gets_exactly_what_it_missed(
    connect_node: ConnectNode, server: TestServer, transport: str
) -> None:
    alice = await connect_node(token=ALICE, transport=transport)
    bob = await connect_node(token=BOB)
    await alice.join()
    await bob.request("user_message", message(0))
    seen = await alice.next("user_message")
    await drop(server, alice)
    await alice.moment("connect", 2)
    for number in range(1, 51):
        sent = await bob.request("user_message", message(number))
    since = {"offset": seen["offset"], "epoch": sent["epoch"]}
    joined = await alice.request("join", {"channel": "dev-team", "since": since})
    assert joined["recovered"] is True
    assert numbers(joined["messages"]) == list(range(1, 51))
    await bob.request("user_message", message(51))
    await alice.settle()
    assert numbers(alice.all("user_message")) == [0, 51]


async def test_who_rejoins_amid_messages_sees_neither_gap_nor_overlap(
    connect_node: ConnectNode, server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await connect_node(token=ALICE), await connect_node(token=BOB)
    joined = await alice.request("join", {"channel": "dev-team"})
    await drop(server, alice)
    await alice.moment("connect", 2)
    await bob.request("user_message", message(0))
    broker = server.app[HUB]._broker
    recover = broker.recover

    async def recover_amid_messages(*args: Any) -> Any:
        await bob.request("user_message", message(1))
        recovery = await recover(*args)
        await bob.request("user_message", message(2))
        return recovery

    monkeypatch.setattr(broker, "recover", recover_amid_messages)
    since = {"offset": joined["offset"], "epoch": joined["epoch"]}
    rejoined = await alice.request("join", {"channel": "dev-team", "since": since})
    await bob.request("user_message", message(3))
    await alice.settle()
    assert numbers(rejoined["messages"]) == [0, 1]
    assert numbers(alice.all("user_message")) == [2, 3]


async def test_who_missed_more_than_is_kept_gets_the_newest_and_is_told(
    serve: Serve, connect_node: ConnectNode
) -> None:
    server = await serve(history_size=HISTORY_SIZE)
    url = str(server.make_url(""))
    alice = await connect_node(token=ALICE, url=url)
    bob = await connect_node(token=BOB, url=url)
    joined = await alice.request("join", {"channel": "dev-team"})
    await drop(server, alice)
    await alice.moment("connect", 2)
    for number in range(HISTORY_SIZE + 5):
        await bob.request("user_message", message(number))
    since = {"offset": joined["offset"], "epoch": joined["epoch"]}
    rejoined = await alice.request("join", {"channel": "dev-team", "since": since})
    assert rejoined["recovered"] is False
    assert numbers(rejoined["messages"]) == list(range(5, HISTORY_SIZE + 5))


async def test_a_message_sent_again_after_its_answer_was_lost_is_published_once(
    connect_node: ConnectNode, server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`retries` is socket.io-client's own way to send again what nobody acknowledged."""
    bob = await connect_node(token=BOB)
    await bob.join()
    alice = await connect_node(token=ALICE, retries=3, ackTimeout=10_000)
    hub = server.app[HUB]
    publish_as = hub.publish_as
    receipts = []

    async def publish_and_lose_the_answer(*arguments: Any) -> Any:
        receipts.append(publish_as(*arguments))
        if len(receipts) == 1:
            await drop(server, alice)
        return receipts[-1]

    monkeypatch.setattr(
        hub,
        "publish_as",
        lambda *arguments: asyncio.create_task(publish_and_lose_the_answer(*arguments)),
    )
    answer = await alice.post("user_message", message(1) | {"nonce": "n1"}, timeout=False)
    assert len(alice.moments("connect")) == 2
    assert answer["duplicate"] is True
    await bob.settle()
    assert [one["offset"] for one in bob.all("user_message")] == [answer["offset"]]
