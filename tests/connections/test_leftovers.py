"""What reads and what fails leaves nothing behind, in the process or in Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import HUB, PLAIN, SERVER
from app.broker.memory import MemoryBroker
from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.client import Client
from tests.support.holdings import holdings
from tests.support.ready import until, until_ready
from tests.support.redis import RedisServer

CHANNELS = 500
AT_ONCE = 200
#: After so many seconds an empty channel is forgotten (docs/operations.md, "Memory").
FORGOTTEN_SECONDS = 600


def held(server: TestServer) -> Mapping[str, int]:
    return holdings(server.app[HUB], server.app[SERVER], server.app[PLAIN])


async def until_held(server: TestServer, before: Mapping[str, int]) -> None:
    """Wait until nothing holds more than before."""

    def more() -> dict[str, int]:
        return {name: n for name, n in held(server).items() if n > before.get(name, 0)}

    try:
        await until(lambda: not more())
    except TimeoutError:
        raise AssertionError(f"there is more in {more()}") from None


async def use(client: Client, first: int, count: int) -> None:
    """Join and leave channels of random names, and ask for what is there."""

    async def visit(number: int) -> None:
        channel = {"channel": f"random {number}"}
        for event in ("history", "presence", "join", "leave", "history"):
            answer = await client.request(event, channel)
            assert answer["ok"], answer

    for start in range(first, first + count, AT_ONCE):
        await asyncio.gather(*(visit(n) for n in range(start, min(start + AT_ONCE, first + count))))


async def fail(client: Client, count: int) -> None:
    """Ask for what can't be had."""

    async def visit(number: int) -> None:
        for event, argument in (
            ("join", {"channel": f"random {number}*"}),
            ("join", {"channel": f"random {number}", "history": -1}),
            ("user_message", {"channel": f"random {number}", "data": {}}),
            (f"type_{number}", {"channel": "random", "data": {}}),
        ):
            assert not (await client.request(event, argument))["ok"]

    await asyncio.gather(*(visit(number) for number in range(count)))


async def test_in_memory(serve: Serve, connect: Connect) -> None:
    server = await serve(recovery_seconds=0)
    client = await connect(url=str(server.make_url("")))
    broker: Any = server.app[HUB]._broker
    assert isinstance(broker, MemoryBroker)
    before = held(server)
    await use(client, 0, CHANNELS)
    assert held(server)["MemoryBroker._channels"] >= CHANNELS
    await fail(client, 300)
    broker.forget_idle()  # as it does once a minute
    await until_held(server, before)


async def test_history_alone_leaves_nothing_for_a_moment(
    server: TestServer, connect: Connect
) -> None:
    client = await connect()
    before = held(server)["MemoryBroker._channels"]
    for number in range(100):
        await client.request("history", {"channel": f"random {number}"})
    assert held(server)["MemoryBroker._channels"] == before


@pytest.fixture
def expire(redis_server: RedisServer) -> Callable[[int], None]:
    """Return a function that lets time pass in Redis, for the expiry of keys."""

    def let_pass(seconds: int) -> None:
        script = """
            for _, key in ipairs(redis.call('KEYS', '*')) do
              local left = redis.call('PTTL', key)
              if left >= 0 then redis.call('PEXPIRE', key, left - ARGV[1] * 1000) end
            end
        """
        redis_server.ask("EVAL", script, 0, seconds)

    return let_pass


async def test_with_redis(
    serve: Serve, connect: Connect, redis_server: RedisServer, expire: Callable[[int], None]
) -> None:
    server = await serve(redis_url=redis_server.url)
    await until_ready(server)
    client = await connect(url=str(server.make_url("")))
    before = held(server)
    await use(client, 0, CHANNELS)
    await fail(client, 300)
    await until_held(server, before)
    left = redis_server.ask("KEYS", "*")
    assert len(left) >= CHANNELS  # what remembers the positions of empty channels
    expire(FORGOTTEN_SECONDS)
    keys = redis_server.ask("KEYS", "*")
    assert len(keys) < 10, keys  # those of the process, and of all
    assert not [key for key in keys if "random" in key]


async def test_history_and_presence_of_random_names_write_nothing_to_redis(
    serve: Serve, connect: Connect, redis_server: RedisServer
) -> None:
    server = await serve(redis_url=redis_server.url)
    await until_ready(server)
    client = await connect(url=str(server.make_url("")))
    for number in range(100):
        name = {"channel": f"random {number}"}
        for event in ("history", "presence"):
            assert (await client.request(event, name))["ok"]
        assert (await client.request("typing", name | {"data": {"typing": True}}))["ok"]
    await client.request("join", {"channel": "a hall"})
    named = redis_server.ask("KEYS", "*random*"), redis_server.ask("KEYS", "*a hall*")
    assert (len(named[0]), len(named[1]) > 0) == (0, True)
