"""Whatever lies in Redis where something of ours should be, nobody is deaf for it.

While it is there, other channels go on; once it is gone, so does its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import HUB
from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.client import Client
from tests.support.metrics import scrape
from tests.support.ready import until, until_ready
from tests.support.redis import RedisServer
from tests.support.tokens import AGENT, ALICE, BOB

#: Of the channel in which the garbage is.
A: Final = "hearth:{/circles:hall}:"
PROCESS: Final = "{process}"


class Garbage(NamedTuple):
    """A key, and the commands that put something else there."""

    key: str
    commands: tuple[tuple[str | bytes | int, ...], ...]

    def __str__(self) -> str:
        return f"{self.key} {self.commands[-1][0]!s}"


def text(key: str) -> Garbage:
    """Return garbage of the wrong type: a text."""
    return Garbage(key, (("SET", key, "garbage"),))


def numbers(key: str) -> Garbage:
    """Return garbage of the wrong type: a list."""
    return Garbage(key, (("DEL", key), ("RPUSH", key, "1", "2")))


def within(key: str, *command: str | bytes | int) -> Garbage:
    """Return garbage within a key of the right type."""
    return Garbage(key, (command,))


OF_A_CHANNEL: Final = [
    *(text(A + name) for name in ("head", "log", "joined", "connections", "announced")),
    *(numbers(A + name) for name in ("turn", f"of:{PROCESS}")),
    within(A + "head", "HSET", A + "head", "epoch", b"\xff"),
    within(A + "head", "HSET", A + "head", "offset", "many"),
    within(A + "head", "HSET", A + "head", "note", "much"),
    within(A + "log", "XADD", A + "log", "999-0", "odd", "entry"),
    within(A + "log", "XADD", A + "log", "999-0", "s", "x", "m", "user_message 1.0\nno envelope"),
    within(A + "joined", "ZADD", A + "joined", 1, b"\xff", 2, "nobody", 3, "robot:r2"),
    within(A + "connections", "HSET", A + "connections", "user:alice", "many"),
    within(A + f"of:{PROCESS}", "HSET", A + f"of:{PROCESS}", b"\xff", b"\xff"),
    within(A + "announced", "ZADD", A + "announced", 1, b"\xff", 1, "nobody"),
]
OF_ALL: Final = [
    within("hearth:processes", "ZADD", "hearth:processes", 1, b"\xff", 1, "dead"),
    within(f"hearth:process:{PROCESS}", "SADD", f"hearth:process:{PROCESS}", b"\xff", "nowhere"),
    within("hearth:process:dead", "SADD", "hearth:process:dead", b"\xff", "nowhere", "a:b"),
    text(f"hearth:process:{PROCESS}"),
    text("hearth:process:dead"),
    within("hearth:owed", "ZADD", "hearth:owed", 1, b"\xff", 1, "nowhere", 1, "/circles:a*"),
    text("hearth:owed"),
    within("hearth:departures", "ZADD", "hearth:departures", 1, b"\xff", 1, "nowhere"),
    text("hearth:departures"),
    numbers("hearth:emits:holder"),
    text("hearth:emits:taken"),
    within("hearth:emits:taken", "XADD", "hearth:emits:taken", "*", "odd", "entry"),
    text("hearth:emits:whole"),
    text("hearth:processes"),
    text("hearth:inbox:bytes"),
    numbers("hearth:inbox:bytes"),
    within("hearth:inbox", "XADD", "hearth:inbox", "*", "odd", "entry"),
    text("hearth:rejected"),
]
#: What is published where only Hearth should.
PUBLISHED: Final = [
    *((A + "live", data) for data in (b"", b"\xff", b"999 e 1 x 1.0\n{}", b"1 2 3 4 5\nno")),
    *((f"hearth:{name}:{PROCESS}", b"\xff") for name in ("canary", "claimed", "emits:echo")),
    *(("hearth:emits:marks", data) for data in (b"", b"\xff")),
    *(("socketio", data) for data in (b"", b"\xff", b"[]", b"{}", b'{"method":"emit"}')),
    ("socketio", b'{"method":"emit","namespace":{},"room":[[]],"event":1,"data":2}'),
    ("agent.message", b"\xff"),
]


@pytest.fixture
async def server(serve: Serve, redis_server: RedisServer) -> TestServer:
    server = await serve(redis_url=redis_server.url)
    await until_ready(server)
    return server


@pytest.fixture
def process(server: TestServer) -> str:
    presence: Any = server.app[HUB]._presence
    name: str = presence._records.process
    return name


@pytest.fixture
def ask(redis_server: RedisServer, process: str) -> Callable[..., Any]:
    def ask_redis(*command: str | bytes | int) -> Any:
        return redis_server.ask(
            *(one.replace(PROCESS, process) if isinstance(one, str) else one for one in command)
        )

    return ask_redis


async def hears(speaker: Client, listener: Client, channel: str, content: str) -> bool:
    """Publish, and return whether it was taken and has come."""
    message = {"channel": channel, "data": {"content": content}}
    if not (await speaker.request("user_message", message))["ok"]:
        return False

    def has_come() -> bool:
        return any(one["data"]["content"] == content for one in listener.all("user_message"))

    await until(has_come)
    return True


async def until_heard(speaker: Client, listener: Client, channel: str) -> None:
    """Publish until it is taken and comes."""
    async with asyncio.timeout(30):
        number = 0
        while not await hears(speaker, listener, channel, f"back {channel} {number}"):
            number += 1
            await asyncio.sleep(0.05)


async def until_joined(client: Client, channel: str) -> None:
    """Join until that is possible: what is of all processes is mended within a second."""
    async with asyncio.timeout(30):
        while not (await client.request("join", {"channel": channel}))["ok"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def until_shared(worker: Any, listener: Client, channel: str) -> None:
    """Wait until what a worker emits comes."""
    payload = {"agent_id": 7, "content": f"worker {channel}"}
    await worker.emit("agent_message", payload, room=channel, namespace="/circles")
    await until(lambda: payload in [one["data"] for one in listener.all("agent_message")])


@pytest.mark.parametrize("garbage", OF_A_CHANNEL + OF_ALL, ids=str)
async def test_a_key(
    connect: Connect, ask: Callable[..., Any], worker: Any, garbage: Garbage
) -> None:
    alice, bob = await connect(token=ALICE), await connect(token=BOB)
    agent = await connect(token=AGENT)
    for client in (alice, bob, agent):
        for channel in ("hall", "yard"):
            await client.join(channel)
    await until_shared(worker, alice, "hall")
    for command in garbage.commands:
        ask(*(("DEL", garbage.key) if command[0] == "SET" else ("PING",)))
        ask(*command)
    # Whoever comes and goes meanwhile.
    late = await connect(token=BOB)
    await late.request("join", {"channel": "hall"})
    await late.request("presence", {"channel": "hall"})
    await late.request("history", {"channel": "hall"})
    await late.request("user_message", {"channel": "hall", "data": {"content": "perhaps"}})
    await agent.request("leave", {"channel": "hall"})
    await late.disconnect()
    await until_heard(bob, alice, "yard")
    await until_joined(bob, "third")
    await until_heard(alice, bob, "third")
    # Once it is gone, all is as it was.
    ask("DEL", garbage.key)
    await until_heard(bob, alice, "hall")
    for channel in ("hall", "yard"):
        await until_shared(worker, alice, channel)
    back = await connect(token=AGENT)
    for channel in ("hall", "yard"):
        await until_joined(back, channel)
    await until_heard(alice, back, "hall")


@pytest.mark.parametrize(("channel", "data"), PUBLISHED)
async def test_what_is_published(
    connect: Connect, redis: Any, process: str, worker: Any, channel: str, data: bytes
) -> None:
    alice, bob = await connect(token=ALICE), await connect(token=BOB)
    for client in (alice, bob):
        await client.join("hall")
    await redis.publish(channel.replace(PROCESS, process), data)
    assert await hears(bob, alice, "hall", "after it")
    await until_shared(worker, alice, "hall")


@pytest.mark.parametrize(
    "record", [b"\xff", b"{}", b"[]", b'{"places":{"a":5},"sid":"s"}', None], ids=str
)
async def test_a_session(
    server: TestServer, connect: Connect, redis: Any, record: bytes | None
) -> None:
    """Its client begins anew, instead of being refused for ever."""
    async with aiohttp.ClientSession() as http:
        reply = await native(http, server)
        key = f"hearth:session:{reply['pid']}"
        if record is None:
            await redis.set(key, "garbage")
        else:
            await redis.hset(key, "record", record)
        again = await native(http, server, pid=reply["pid"])
        assert again["pid"] != reply["pid"]
    assert (await scrape(server))["hearth_unreadable_total", ("session",)] == 1


async def native(http: aiohttp.ClientSession, server: TestServer, **auth: str) -> dict[str, Any]:
    """Connect as a client that can be restored; return what CONNECT is answered."""
    url = server.make_url("/socket.io/?EIO=4&transport=websocket")
    async with http.ws_connect(url) as socket:
        await socket.receive()
        await socket.send_str("40/circles," + json.dumps({"token": ALICE, "recover": True, **auth}))
        while not (answer := (await socket.receive_str())).startswith("40/circles,"):
            pass
        reply: dict[str, Any] = json.loads(answer.removeprefix("40/circles,"))
        return reply
