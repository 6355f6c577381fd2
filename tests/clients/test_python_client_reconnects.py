"""Agents in Python whose connections are lost, and whose servers and Redis die."""

from __future__ import annotations

import asyncio
import random
import signal

import hearth_realtime
import pytest
from aiohttp.test_utils import TestServer
from hearth_realtime import Channel, HearthError, Message, Receipt, State

from tests.fixtures.processes import Run, RunReady
from tests.fixtures.proxies import Through
from tests.fixtures.servers import Serve
from tests.support.agents import contents, take
from tests.support.ports import free_port
from tests.support.process import UNLIMITED, HearthProcess
from tests.support.ready import until, until_status
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE, BOB


async def say(channel: Channel, number: int) -> Receipt:
    return await channel.publish("user_message", {"content": str(number)})


async def say_all(channel: Channel, numbers: range) -> list[Receipt]:
    return [await say(channel, number) for number in numbers]


def texts(numbers: range) -> list[str]:
    return [str(number) for number in numbers]


def offsets(messages: list[Message] | list[Receipt]) -> list[int]:
    return [message.offset or 0 for message in messages]


def state(channel: Channel) -> State:
    return channel.state


async def test_connections_cut_at_random_lose_and_double_nothing(
    run: Run, redis_server: RedisServer, through: Through
) -> None:
    settings = {"REDIS_URL": redis_server.url, **UNLIMITED}
    servers = await asyncio.gather(*(run(**settings) for _ in range(2)))
    proxies = [await through(server.url) for server in servers]
    chance = random.Random(7)
    async with (
        hearth_realtime.connect(proxies[0].url, token=ALICE) as alice,
        hearth_realtime.connect(proxies[1].url, token=BOB) as bob,
    ):
        channels = [await alice.circle("dev-team"), await bob.circle("dev-team")]
        reading = [asyncio.create_task(take(channel, 600)) for channel in channels]
        acked = 0

        async def say_counting(channel: Channel, numbers: range) -> list[Receipt]:
            nonlocal acked
            receipts = []
            for number in numbers:
                receipts.append(await say(channel, number))
                acked += 1
            return receipts

        # Six at once, a hundred messages each, as fast as each is acknowledged.
        publishing = asyncio.gather(
            *(say_counting(channels[k % 2], range(100 * k, 100 * k + 100)) for k in range(6))
        )
        for proxy in proxies * 6:
            goal = acked + chance.randrange(10, 60)
            await until(lambda goal=goal: acked >= min(goal, 590), seconds=60)  # type: ignore[misc]
            proxy.cut()
        published: dict[int, str] = {}
        for k, receipts in enumerate(await publishing):
            assert offsets(receipts) == sorted(offsets(receipts))
            published |= dict(
                zip(offsets(receipts), texts(range(100 * k, 100 * k + 100)), strict=True)
            )
        for messages in await asyncio.gather(*reading):
            assert offsets(messages) == sorted(published)
            assert contents(messages) == [published[offset] for offset in offsets(messages)]
    assert all(proxy.accepted > 2 for proxy in proxies)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same port", "other process"])
async def test_a_server_that_is_killed_under_publishing(
    run: Run, redis_server: RedisServer, through: Through, elsewhere: bool
) -> None:
    settings = {"REDIS_URL": redis_server.url, **UNLIMITED}
    port = free_port()
    dying, staying = await asyncio.gather(run(PORT=str(port), **settings), run(**settings))
    proxy = await through(dying.url)
    async with (
        hearth_realtime.connect(proxy.url, token=ALICE) as alice,
        hearth_realtime.connect(staying.url, token=BOB) as bob,
    ):
        hers, his = await alice.circle("dev-team"), await bob.circle("dev-team")
        seen: list[Message] = []
        reading = [asyncio.create_task(take(hers, 200)), asyncio.create_task(take(his, 200, seen))]
        publishing = asyncio.create_task(say_all(hers, range(200)))
        for number in (50, 120):
            await until(lambda n=number: len(seen) >= n, 60)  # type: ignore[misc]
            await dying.stop(signal.SIGKILL)
            if elsewhere:
                proxy.target = staying.url
            else:
                dying = await run(PORT=str(port), **settings)
        receipts = await publishing
        for messages in await asyncio.gather(*reading):
            assert contents(messages) == texts(range(200))
            assert offsets(messages) == offsets(receipts)


async def test_a_redis_that_is_restarted_with_its_data(
    run_ready: RunReady, redis_server: RedisServer
) -> None:
    kept = ("--appendonly", "yes", "--appendfsync", "always")
    redis_server.stop()
    redis_server.start(*kept)
    [server] = await run_ready(1, **UNLIMITED)
    async with hearth_realtime.connect(server.url, token=ALICE) as hearth:
        circle = await hearth.circle("dev-team")
        seen: list[Message] = []
        reading = asyncio.create_task(take(circle, 120, seen))
        publishing = asyncio.create_task(say_all(circle, range(120)))
        for number in (30, 70):
            await until(lambda n=number: len(seen) >= n, 60)  # type: ignore[misc]
            redis_server.stop()
            await until_status(server.url, 503)
            redis_server.start(*kept)
        await publishing
        assert contents(await reading) == texts(range(120))


async def test_a_redis_that_comes_back_without_its_data(
    run_ready: RunReady, redis_server: RedisServer
) -> None:
    [server] = await run_ready(1)
    async with hearth_realtime.connect(server.url, token=ALICE) as hearth:
        circle = await hearth.circle("dev-team")
        before = await say_all(circle, range(3))
        assert contents(await take(circle, 3)) == texts(range(3))
        redis_server.stop()
        await until_status(server.url, 503)
        publishing = asyncio.create_task(say_all(circle, range(3, 6)))
        redis_server.start()
        after = await publishing
        lost, *messages = await take(circle, 4)
        assert lost.type == hearth_realtime.DISCONTINUITY
        assert lost.data["epoch"] == lost.epoch == after[0].epoch != before[0].epoch
        assert contents(messages) == texts(range(3, 6))
        assert offsets(messages) == [1, 2, 3]


async def test_a_server_in_memory_that_is_restarted(run: Run, through: Through) -> None:
    first = await run()
    proxy = await through(first.url)
    async with hearth_realtime.connect(proxy.url, token=ALICE) as hearth:
        circle = await hearth.circle("dev-team")
        await say(circle, 0)
        assert contents(await take(circle, 1)) == ["0"]
        await first.stop(signal.SIGKILL)
        proxy.target = (await run()).url
        await say(circle, 1)
        assert contents(await take(circle, 2)) == ["discontinuity", "1"]


async def test_an_outage_that_is_longer_than_history(serve: Serve, through: Through) -> None:
    server = await serve(history_size=10)
    proxy = await through(str(server.make_url("")))
    async with (
        hearth_realtime.connect(proxy.url, token=ALICE) as alice,
        hearth_realtime.connect(str(server.make_url("")), token=BOB) as bob,
    ):
        hers = await alice.circle("dev-team")
        his = await bob.circle("dev-team")
        await say(his, 0)
        assert contents(await take(hers, 1)) == ["0"]
        proxy.stop()
        await until(lambda: state(hers) == "recovering")
        await say_all(his, range(1, 30))
        proxy.resume()
        lost, *messages = await take(hers, 11)
        assert lost.type == "discontinuity"
        assert contents(messages) == texts(range(20, 30))
        assert lost.data == {"offset": messages[-1].offset, "epoch": lost.epoch}
        assert state(hers) == "live"


async def test_what_is_published_during_an_outage_is_published_once(
    serve: Serve, through: Through
) -> None:
    url = str((await serve()).make_url(""))
    proxy = await through(url)
    async with (
        hearth_realtime.connect(proxy.url, token=ALICE) as alice,
        hearth_realtime.connect(url, token=BOB) as bob,
    ):
        hers, his = await alice.circle("dev-team"), await bob.circle("dev-team")
        proxy.stop()
        with pytest.raises(HearthError, match="timeout"):
            await hers.publish("user_message", {"content": "late"}, timeout=0.05)
        publishing = [asyncio.create_task(say(hers, number)) for number in range(5)]
        await until(lambda: state(hers) == "recovering")
        proxy.resume()
        receipts = await asyncio.gather(*publishing)
        assert not any(receipt.duplicate for receipt in receipts)
        assert sorted(contents(await take(his, 5))) == texts(range(5))
        assert (await his.history(limit=1)).position.offset == receipts[-1].offset


async def test_closing_while_publishing(serve: Serve, through: Through) -> None:
    proxy = await through(str((await serve()).make_url("")))
    async with hearth_realtime.connect(proxy.url, token=ALICE) as hearth:
        circle = await hearth.circle("dev-team")
        reading = asyncio.create_task(take(circle, 1))
        proxy.stop()
        publishing = [asyncio.create_task(say(circle, number)) for number in range(3)]
        joining = asyncio.create_task(hearth.circle("another"))
        await until(lambda: state(circle) == "recovering")
    for outcome in await asyncio.gather(*publishing, joining, return_exceptions=True):
        assert isinstance(outcome, HearthError)
        assert outcome.code == "closed"
    assert await reading == []
    assert state(circle) == "closed"


@pytest.mark.parametrize("drops", [False, True], ids=["connected", "cut"])
async def test_a_slow_reader_holds_little_and_misses_nothing(
    serve: Serve, through: Through, drops: bool
) -> None:
    server: TestServer = await serve()
    proxy = await through(str(server.make_url("")))
    async with (
        hearth_realtime.connect(proxy.url, token=ALICE, max_unread=10) as alice,
        hearth_realtime.connect(str(server.make_url("")), token=BOB) as bob,
    ):
        hers, his = await alice.circle("dev-team"), await bob.circle("dev-team")
        await say_all(his, range(200))
        await alice.publish("/circles", "dev-team", "typing", {"typing": True})
        assert len(hers._inbox._unread) == 10
        assert state(hers) == "recovering"
        if drops:
            proxy.cut()
        messages = await take(hers, 150)
        publishing = asyncio.create_task(say_all(his, range(200, 300)))
        messages += await take(hers, 150)
        await publishing
        assert contents(messages) == texts(range(300))
        assert state(hers) == "live"


async def test_a_reader_that_is_slower_than_history_is_told(serve: Serve) -> None:
    server = await serve(history_size=20)
    url = str(server.make_url(""))
    async with hearth_realtime.connect(url, token=ALICE, max_unread=5) as hearth:
        circle = await hearth.circle("dev-team")
        await say_all(circle, range(100))
        messages = contents(await take(circle, 26))
        assert messages == [
            *texts(range(messages.index("discontinuity"))),
            "discontinuity",
            *texts(range(80, 100)),
        ]


async def test_a_server_that_comes_late(run: Run, redis_server: RedisServer) -> None:
    port = free_port()
    async with hearth_realtime.connect(f"http://127.0.0.1:{port}", token=ALICE) as hearth:
        joining = asyncio.create_task(hearth.circle("dev-team"))
        await asyncio.sleep(0)
        server: HearthProcess = await run(PORT=str(port), REDIS_URL=redis_server.url)
        assert state(await joining) == "live"
        await server.stop()


async def test_a_server_that_hangs_is_left(run_ready: RunReady, through: Through) -> None:
    hanging, other = await run_ready(2, PING_SECONDS="1", PING_TIMEOUT_SECONDS="1")
    proxy = await through(hanging.url)
    async with hearth_realtime.connect(proxy.url, token=ALICE) as hearth:
        circle = await hearth.circle("dev-team")
        hanging.process.send_signal(signal.SIGSTOP)
        proxy.target = other.url
        receipt = await say(circle, 0)
        (message,) = await take(circle, 1)
        assert (message.offset, message.epoch) == (receipt.offset, receipt.epoch)
        hanging.process.send_signal(signal.SIGCONT)
        await say(circle, 1)
        assert contents(await take(circle, 1)) == ["1"]
