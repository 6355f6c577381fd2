"""Restored by another process than before, after a kill, and while Redis comes and goes."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.fixtures.clients import Connect
from tests.fixtures.processes import Run
from tests.fixtures.proxies import Through
from tests.recovery.conftest import Recovering, connects, texts
from tests.support.client import Client
from tests.support.node import NodeClient
from tests.support.process import HearthProcess
from tests.support.proxy import Proxy
from tests.support.ready import until, until_status
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE, BOB


@pytest.fixture
async def proxy(processes: list[HearthProcess], through: Through) -> Proxy:
    """The way to the first process, until a test says otherwise; the second is never harmed."""
    return await through(processes[0].url)


@pytest.fixture
async def bob(connect: Connect, processes: list[HearthProcess]) -> Client:
    """Somebody who talks, in the second process."""
    return await connect(url=processes[1].url, token=BOB)


@pytest.fixture
async def alice(recovering: Recovering, proxy: Proxy, bob: Client) -> NodeClient:
    """Who is in two channels of the first process, and has received one message."""
    client = await recovering(proxy.url)
    for channel in ("dev-team", "ops"):
        await client.join(channel)
    await bob.say(1)
    await client.next("user_message")
    return client


async def restored(alice: NodeClient, bob: Client, *missed: str) -> None:
    """See that a client has what it missed, and what comes after."""
    await alice.moment("connect", 2)
    await bob.say("and on", channel="ops")
    await alice.next("user_message", len(missed) + 2)
    await alice.settle()
    assert texts(alice) == ["1", *missed, "and on"]
    (first, _), (second, recovered) = connects(alice)
    assert (second, recovered) == (first, True)


async def connections_of_alice(bob: Client, number: int) -> None:
    """Wait until so many of Alice's connections are in the channel."""
    async with asyncio.timeout(30):
        found = -1
        while found != number:
            members = (await bob.request("presence", {"channel": "dev-team"}))["members"]
            found = sum(one["connections"] for one in members)
            await asyncio.sleep(0.02)


async def test_another_process_takes_over_after_a_kill(
    alice: NodeClient, bob: Client, processes: list[HearthProcess], proxy: Proxy
) -> None:
    proxy.target = processes[1].url
    await processes[0].stop(signal.SIGKILL)
    await bob.say("2")
    await bob.say("3", channel="ops")
    await restored(alice, bob, "2", "3")


async def test_another_process_takes_over_after_a_stop(
    alice: NodeClient, bob: Client, processes: list[HearthProcess], proxy: Proxy
) -> None:
    proxy.target = processes[1].url
    stopped = asyncio.create_task(processes[0].stop())
    await bob.say("2")
    await restored(alice, bob, "2")
    await stopped


async def test_the_process_before_may_not_have_noticed(
    alice: NodeClient, bob: Client, processes: list[HearthProcess], proxy: Proxy, connect: Connect
) -> None:
    """It ends its half-open connection once it has learned that the client is elsewhere."""
    proxy.target = processes[1].url
    proxy.strand()
    await alice.moment("disconnect")
    await bob.say("2")
    await restored(alice, bob, "2")
    await connections_of_alice(bob, 1)


async def test_who_says_goodbye_elsewhere_is_not_brought_back_by_a_ghost(
    alice: NodeClient, bob: Client, processes: list[HearthProcess], proxy: Proxy
) -> None:
    """The process before stands still meanwhile, so it receives nothing."""
    processes[0].process.send_signal(signal.SIGSTOP)
    proxy.target = processes[1].url
    proxy.strand()
    await alice.moment("connect", 2)
    await alice.request("leave", {"channel": "ops"})
    alice.disconnect()
    await alice.moment("disconnect", 2)
    processes[0].process.send_signal(signal.SIGCONT)
    await connections_of_alice(bob, 0)  # its ghost is gone, and has saved what it had
    alice.reconnect()
    await alice.moment("connect", 3)
    assert [recovered for _sid, recovered in connects(alice)] == [False, True, False]


async def test_without_redis_it_waits_and_then_has_everything(
    alice: NodeClient,
    bob: Client,
    processes: list[HearthProcess],
    proxy: Proxy,
    redis_server: RedisServer,
) -> None:
    await bob.say("2")
    await alice.next("user_message", 2)
    redis_server.freeze()
    proxy.cut()
    await alice.moment("disconnect")
    await processes[0].logged("Redis does not answer")
    redis_server.thaw()
    await until_status(processes[1].url)
    await bob.say("3")
    await alice.next("user_message", 3)
    assert texts(alice) == ["1", "2", "3"]
    assert connects(alice)[-1] == (connects(alice)[0][0], True)


async def test_a_redis_that_has_forgotten_everything(
    alice: NodeClient, bob: Client, proxy: Proxy, redis_server: RedisServer
) -> None:
    """Nothing can be said of what was missed: so nothing is replayed."""
    redis_server.ask("FLUSHALL")
    proxy.cut()
    await alice.moment("connect", 2)
    (first, _), (second, recovered) = connects(alice)
    assert not recovered
    assert first != second
    await bob.say("2")
    await alice.settle()
    assert texts(alice) == ["1"]


async def test_sessions_expire(alice: NodeClient, redis_server: RedisServer) -> None:
    (key,) = redis_server.ask("KEYS", "hearth:session:*")
    left = int(redis_server.ask("PTTL", key))
    assert 0 < left <= 180_000
    alice.disconnect()
    await alice.moment("disconnect")
    # Only that it is over is kept, for who had it before.
    await until(lambda: redis_server.ask("HKEYS", key) == ["owner"])
    assert 0 < int(redis_server.ask("PTTL", key)) <= 360_000


async def test_tokens_are_not_kept(redis_server: RedisServer, alice: NodeClient) -> None:
    (key,) = redis_server.ask("KEYS", "hearth:session:*")
    assert ALICE.rpartition(".")[2] not in str(redis_server.ask("HGETALL", key))


async def test_after_history_was_lost_it_goes_on_from_there(
    run: Run, redis_server: RedisServer, recovering: Recovering, connect: Connect, through: Through
) -> None:
    process = await run(REDIS_URL=redis_server.url, RECOVERY_SECONDS="6")
    await until_status(process.url)
    proxy = await through(process.url)
    bob = await connect(url=process.url, token=BOB)
    alice = await recovering(proxy.url)
    await alice.join()
    await bob.say("of before")
    await alice.next("user_message")
    redis_server.ask("FLUSHALL")
    await bob.say("anew")
    await alice.next("discontinuity")
    await alice.next("user_message", 2)
    # Its session is saved again before long, and says that it must know of the loss.
    await until(lambda: bool(redis_server.ask("KEYS", "hearth:session:*")))
    proxy.stop()
    await alice.moment("disconnect")
    await bob.say("missed")
    proxy.resume()
    await alice.next("user_message", 3)
    assert texts(alice) == ["of before", "anew", "missed"]
    assert connects(alice)[-1] == (connects(alice)[0][0], True)
