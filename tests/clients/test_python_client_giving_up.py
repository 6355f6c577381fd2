"""Agents in Python that give up waiting: nothing happens later all the same, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import hearth_realtime
import pytest
from aiohttp.test_utils import TestServer
from hearth_realtime import Channel, HearthError

from tests.fixtures.clients import Connect
from tests.fixtures.proxies import Through
from tests.fixtures.servers import Serve
from tests.support.agents import contents, take
from tests.support.proxy import Proxy
from tests.support.ready import until
from tests.support.tokens import ALICE, BOB


async def give_up(awaitable: Awaitable[Any]) -> None:
    """Wait for what doesn't come while the line is stalled, and give up."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await awaitable


async def here(channel: Channel) -> set[str]:
    return {member.id for member in (await channel.presence()).members}


async def test_who_gives_up_joining_does_not_join_later(
    server: TestServer, through: Through
) -> None:
    url = str(server.make_url(""))
    proxy = await through(url)
    async with (
        hearth_realtime.connect(proxy.url, token=ALICE) as alice,
        hearth_realtime.connect(url, token=BOB) as bob,
    ):
        lobby, his = await alice.circle("lobby"), await bob.circle("dev-team")
        # The join is sent, and its answer doesn't come.
        proxy.stall()
        await give_up(alice.circle("dev-team"))
        # It isn't even sent.
        proxy.stop()
        await until(lambda: lobby.state == "recovering")
        await give_up(alice.circle("dev-team"))
        proxy.resume()
        await lobby.publish("user_message", {"content": "back"})
        assert await here(his) == {"bob"}
        assert alice._links["/circles"].subscribers.keys() == {"lobby"}
        hers = await alice.circle("dev-team")
        assert await here(his) == {"alice", "bob"}
        await his.publish("user_message", {"content": "Hi"})
        assert contents(await take(hers, 1)) == ["Hi"]


async def test_one_of_two_gives_up_joining(server: TestServer, through: Through) -> None:
    proxy = await through(str(server.make_url("")))
    proxy.refuse()
    async with hearth_realtime.connect(proxy.url, token=ALICE) as alice:
        waiting = asyncio.create_task(alice.circle("dev-team"))
        await give_up(alice.circle("dev-team"))
        proxy.resume()
        circle = await waiting
        await circle.publish("user_message", {"content": "Hi"})
        assert contents(await take(circle, 1)) == ["Hi"]


async def test_a_join_that_is_given_up_when_it_is_done_is_left(server: TestServer) -> None:
    """Cancelled in the very turn of the loop in which the answer comes."""
    url = str(server.make_url(""))
    async with (
        hearth_realtime.connect(url, token=ALICE) as alice,
        hearth_realtime.connect(url, token=BOB) as bob,
    ):
        his = await bob.circle("dev-team")
        await alice.circle("lobby")
        joining = asyncio.create_task(alice.circle("dev-team"))
        await asyncio.sleep(0)
        channel: Any = alice._links["/circles"].subscribers["dev-team"]
        channel._joined.add_done_callback(lambda _: joining.cancel())
        with pytest.raises(asyncio.CancelledError):
            await joining
        await alice.publish("/circles", "lobby", "user_message", {"content": "Hi"})
        while await here(his) != {"bob"}:
            pass


async def test_every_request_can_be_given_up(server: TestServer, through: Through) -> None:
    proxy = await through(str(server.make_url("")))
    async with hearth_realtime.connect(proxy.url, token=ALICE) as alice:
        circle = await alice.circle("dev-team")
        proxy.stall()
        proxy.refuse()
        for request in (
            circle.publish("user_message", {"content": "?"}, nonce="n"),
            circle.history(),
            circle.presence(),
            take(circle, 1),
            alice.publish("/circles", "dev-team", "user_message", {"content": "?"}, nonce="m"),
            alice.notifications(),
        ):
            await give_up(request)
        connection = alice._links["/circles"].connection
        assert connection is not None
        assert connection._pending == {}
        assert connection._on_its_way == 0
        proxy.cut()
        proxy.resume()
        for nonce in "nm":
            await circle.publish("user_message", {"content": nonce}, nonce=nonce)
        assert len(contents(await take(circle, 2))) == 2


async def test_a_reader_that_gives_up_misses_nothing(server: TestServer) -> None:
    async with hearth_realtime.connect(str(server.make_url("")), token=ALICE) as alice:
        circle = await alice.circle("dev-team")
        texts = [str(number) for number in range(100)]
        got: list[str] = []

        async def read() -> None:
            async for message in circle:
                got.extend(contents([message]))

        for text in texts:
            reading = asyncio.create_task(read())
            await circle.publish("user_message", {"content": text})
            reading.cancel()
            await asyncio.wait([reading])
        reading = asyncio.create_task(read())
        await until(lambda: texts[-1] in got)
        assert [one for one in got if one in texts] == texts
        await circle.leave()
        await reading


async def test_leaving_that_is_given_up_has_left(
    server: TestServer, through: Through, connect: Connect
) -> None:
    url = str(server.make_url(""))
    proxy: Proxy = await through(url)
    async with (
        hearth_realtime.connect(proxy.url, token=ALICE) as alice,
        hearth_realtime.connect(url, token=BOB) as bob,
    ):
        lobby, hers = await alice.circle("lobby"), await alice.circle("dev-team")
        his = await bob.circle("dev-team")
        proxy.stall()
        await give_up(hers.leave())
        assert hers.state == "closed"
        proxy.cut()
        await lobby.publish("user_message", {"content": "back"})
        while await here(his) != {"bob"}:
            pass


async def test_what_waits_for_its_turn_and_is_given_up_is_not_published(serve: Serve) -> None:
    url = str((await serve(messages_per_second=5)).make_url(""))
    async with hearth_realtime.connect(url, token=ALICE) as alice:
        circle = await alice.circle("dev-team")
        sends = [
            asyncio.create_task(circle.publish("user_message", {"content": str(number)}))
            for number in range(30)
        ]
        await sends[0]
        for send in sends[10:]:
            send.cancel()
        outcomes = await asyncio.gather(*sends, return_exceptions=True)
        assert not [one for one in outcomes[:10] if isinstance(one, BaseException)]
        assert len((await circle.history(limit=100)).messages) == 10


async def test_a_timeout_says_what_it_waited_for(server: TestServer, through: Through) -> None:
    proxy = await through(str(server.make_url("")))
    proxy.refuse()
    async with hearth_realtime.connect(proxy.url, token=ALICE) as alice:
        with pytest.raises(HearthError, match=r"timeout: .*(reset|disconnected|closed)"):
            await alice.publish("/circles", "c", "user_message", {"content": "Hi"}, timeout=1)
