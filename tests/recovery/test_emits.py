"""What a server emits beside messages of channels is never taken for a client's place.

A stock client takes the last argument of each event for its offset string, if that is text, and the
event's own name where it has no arguments.
"""

from __future__ import annotations

import datetime as dt
import uuid
from enum import Enum
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import SERVER
from tests.fixtures.node import ConnectNode
from tests.fixtures.processes import RunReady
from tests.recovery.conftest import Recovering, connects, text, texts
from tests.support.client import Client
from tests.support.node import NodeClient
from tests.support.proxy import Proxy
from tests.support.redis import RedisServer
from tests.support.tokens import BOB
from tests.support.workers import stock_manager


class Word(Enum):
    ONE = "one"


BUFFER = {"type": "Buffer", "data": [1]}
# What is emitted, and the arguments that it arrives with.
DATA: dict[str, tuple[Any, list[Any]]] = {
    "nothing": (None, []),
    "no arguments": ((), []),
    "a text": ("text", ["text"]),
    "an empty text": ("", [""]),
    "a text that ends with a quote": ('"', ['"']),
    "a text at the end": ((1, "text"), [1, "text"]),
    "a text behind bytes": ((b"\x01", "text"), [BUFFER, "text"]),
    "a time": (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), ["2026-01-02T00:00:00+00:00"]),
    "an id": (uuid.UUID(int=7), [str(uuid.UUID(int=7))]),
    "a member of an enumeration": (Word.ONE, ["one"]),
    "a list of texts": (["text"], [["text"]]),
    "an object": ({"a": "text"}, [{"a": "text"}]),
    "bytes": (b"\x01", [BUFFER]),
}


def received(client: NodeClient) -> list[list[Any]]:
    """Return the arguments of each event `bare`."""
    return [line["args"] for line in client.happened if line.get("event") == "bare"]


@pytest.mark.parametrize(("data", "arguments"), DATA.values(), ids=DATA.keys())
async def test_who_got_an_emit_last_is_restored(
    server: TestServer,
    recovering: Recovering,
    proxy: Proxy,
    bob: Client,
    data: Any,
    arguments: list[Any],
) -> None:
    alice = await recovering(proxy.url)
    await alice.join("dev-team")
    await bob.request("user_message", text(1))
    await alice.next("user_message")
    realtime = server.app[SERVER]
    for recipient in (
        *({"to": alice.sid}, {"room": "dev-team", "skip_sid": bob.sid}),
        {"skip_sid": [bob.sid]},
    ):
        await realtime.emit("bare", data, namespace="/circles", **recipient)
    await alice.next("bare", 3)
    assert all(args[: len(arguments)] == arguments for args in received(alice))
    assert all(len(args) == len(arguments) or isinstance(args[-1], str) for args in received(alice))
    proxy.cut()
    await alice.moment("connect", 2)
    await bob.request("user_message", text(2))
    await alice.next("user_message", 2)
    assert texts(alice) == ["1", "2"]
    assert connects(alice)[-1] == (alice.sid, True)


@pytest.mark.parametrize(("data", "arguments"), DATA.values(), ids=DATA.keys())
async def test_who_did_not_ask_gets_nothing_more(
    server: TestServer, connect_node: ConnectNode, data: Any, arguments: list[Any]
) -> None:
    client = await connect_node()
    await server.app[SERVER].emit("bare", data, to=client.sid, namespace="/circles")
    await client.next("bare")
    assert received(client) == [arguments]


async def test_a_worker_emits_without_data(
    run_ready: RunReady, redis_server: RedisServer, connect_node: ConnectNode
) -> None:
    """Which stock managers write as a null: it arrives as an event without arguments."""
    one, other = await run_ready(2)
    alice = await connect_node(url=one.url)
    bob = await connect_node(url=other.url, token=BOB)
    for client in (alice, bob):
        await client.join("dev-team")
    async with stock_manager(redis_server.url) as worker:
        await worker.emit("bare", None, namespace="/circles", room="dev-team", skip_sid=bob.sid)
        await worker.emit("bare", (), namespace="/circles", to=bob.sid)
        await worker.emit("bare", None, namespace="/circles", to=bob.sid)
        await alice.next("bare")
        await bob.next("bare", 2)
        await worker.emit("bare", None, namespace="/circles", room="dev-team", skip_sid=alice.sid)
        await bob.next("bare", 3)
    assert (received(alice), received(bob)) == ([[]], [[], [], []])
