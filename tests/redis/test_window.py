"""The window of large commands: bounded, fair, and nobody waits in vain."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.core.errors import Unavailable
from app.redis.commands import Commands
from app.redis.connector import Connector
from app.redis.window import Window
from tests.fixtures.logs import Logs
from tests.fixtures.redis import StartBackend
from tests.support.messages import OTHER, TEAM, message
from tests.support.proxy import Proxy
from tests.support.ready import until
from tests.support.redis import RedisServer
from tests.support.turns import turns


class Commander:
    """Whoever sends commands through a window of 1,000 bytes."""

    def __init__(self) -> None:
        self.window = Window(1000)
        self.window.open()
        self.sent: list[str] = []

    def send(self, name: str, size: int) -> asyncio.Task[int]:
        """Send a command once it is its turn."""

        async def enter() -> int:
            taken = await self.window.enter(size)
            self.sent.append(name)
            return taken

        return asyncio.create_task(enter())


async def test_no_more_is_on_its_way_than_fits() -> None:
    commander = Commander()
    window = commander.window
    first, _second, third = (commander.send(name, 400) for name in "abc")
    await turns()
    assert commander.sent == ["a", "b"]
    assert (window.used_bytes, window.waiting_bytes) == (800, 400)
    window.leave(first.result())
    await turns()
    assert commander.sent == ["a", "b", "c"]
    assert (await third, window.waiting_bytes) == (400, 0)


async def test_what_is_larger_than_the_window_goes_alone() -> None:
    commander = Commander()
    large = commander.send("large", 5000)
    await turns()
    commander.send("next", 20)
    await turns()
    assert commander.sent == ["large"]
    commander.window.leave(large.result())
    await turns()
    assert commander.sent == ["large", "next"]
    assert commander.window.used_bytes == 20


async def test_a_smaller_one_overtakes_larger_ones_but_not_for_ever() -> None:
    commander = Commander()
    current = commander.send("first", 1000)
    await turns()
    waiting = {"large": commander.send("large", 1000)}
    await turns()
    for number in range(5):
        waiting[f"small {number}"] = commander.send(f"small {number}", 400)
        await turns()
        commander.window.leave(current.result())
        await turns()
        current = waiting[commander.sent[-1]]
    # The first came 600 bytes before the large one's turn, and the second 200.
    assert commander.sent[:4] == ["first", "small 0", "small 1", "large"]


async def test_who_gives_up_leaves_its_place_to_others() -> None:
    commander = Commander()
    first = commander.send("first", 1000)
    await turns()
    waits, granted, last = (commander.send(name, 1000) for name in ("waits", "granted", "last"))
    await turns()
    waits.cancel()
    commander.window.leave(first.result())  # and it is the turn of the second, who gives up too
    granted.cancel()
    await turns()
    assert commander.sent == ["first", "last"]
    commander.window.leave(last.result())
    assert commander.window.used_bytes == 0


async def test_a_congested_connection_gets_no_more() -> None:
    commander = Commander()
    commander.window.congest(True)
    commander.send("a", 10)
    await turns()
    assert commander.sent == []
    commander.window.congest(False)
    await turns()
    assert commander.sent == ["a"]


async def test_nobody_waits_for_a_redis_that_is_gone(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running = await start_backend()
    redis_server.freeze()
    publishing = [
        asyncio.ensure_future(running.broker.publish_nowait(where, message("x" * 900_000, 1.0)))
        for where in 10 * [TEAM, OTHER]
    ]
    await until(lambda: running.commands.window.waiting_bytes > 5_000_000)
    results = await asyncio.gather(*publishing, return_exceptions=True)
    assert {type(result) for result in results} == {Unavailable}
    with pytest.raises(Unavailable):
        await running.broker.publish_nowait(TEAM, message("x" * 900_000, 1.0))
    redis_server.thaw()
    await until(lambda: running.broker.ready)
    await until(lambda: running.commands.window.used_bytes == 0)
    receipt = await running.broker.publish_nowait(TEAM, message("x" * 900_000, time.time()))
    assert receipt.offset == 1  # nothing of it was published later


async def test_what_is_published_here_is_received_before_more_follows(
    start_backend: StartBackend,
) -> None:
    """Or Redis would hold it, and cut the subscription that lags behind."""
    running = await start_backend()
    subscriptions, window = running.subscriptions, running.commands.window
    await running.broker.subscribe(TEAM)
    assert subscriptions.link is not None
    subscriptions.link._transport.pause_reading()
    publishing = [
        asyncio.ensure_future(running.broker.publish_nowait(TEAM, message("x" * 900_000, 1.0)))
        for _number in range(10)
    ]
    await until(publishing[1].done)
    assert not publishing[3].done()
    assert window.used_bytes > 1_800_000
    subscriptions.link._transport.resume_reading()
    await asyncio.gather(*publishing)
    await until(lambda: window.used_bytes == 0)
    assert len(running.listener.texts()) == 10


async def test_many_small_ones_wait_rather_than_fail(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running = await start_backend(answer_seconds=60, drop_seconds=60)
    redis_server.freeze()
    begun = []
    while not running.commands.window.congested:
        begun.append(running.broker.publish_nowait(TEAM, message("x" * 15_000, time.time())))
        await asyncio.sleep(0)
    assert all(isinstance(one, asyncio.Future) for one in begun)
    late = [running.broker.publish_nowait(TEAM, message("late", time.time())) for _ in range(3)]
    assert not any(isinstance(one, asyncio.Future) for one in late)
    redis_server.thaw()
    receipts = await asyncio.gather(*begun, *late)
    assert [receipt.offset for receipt in receipts[:-3]] == list(range(1, len(begun) + 1))


async def test_a_late_reply_is_no_reason_to_give_up_others(
    redis_server: RedisServer, proxy: Proxy, logs: Logs
) -> None:
    redis_server.ask("SET", "large", "x" * 150_000)
    proxy.slow_down(250_000)
    commands = Commands(Connector(proxy.url, ""))
    await commands.start()
    await until(lambda: commands.ready)
    sent = [commands.send("GET", "large") for _number in range(6)]
    results = await asyncio.gather(*sent, return_exceptions=True)
    assert isinstance(results[0], bytes)
    assert isinstance(results[-1], Unavailable)
    assert commands.ready
    assert "Redis does not answer" not in logs.events()
    await commands.close()
