"""Agents in Python under a rate limit: they keep to it, and nobody is refused."""

from __future__ import annotations

import asyncio

import hearth_realtime
import pytest
from hearth_realtime.pace import Pace

from app.core.errors import RateLimited
from app.transport.connection import Connection
from app.transport.rate_limit import RateLimit
from tests.fixtures.proxies import Through
from tests.fixtures.servers import Serve
from tests.support.ready import until
from tests.support.tokens import ALICE
from tests.support.virtual_loop import run_virtually


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> list[RateLimited]:
    """What servers have refused for their rate limit."""
    told: list[RateLimited] = []
    refuse = RateLimit.refusal

    def refusal(limit: RateLimit, connection: Connection) -> RateLimited | None:
        if (refused := refuse(limit, connection)) is not None:
            told.append(refused)
        return refused

    monkeypatch.setattr(RateLimit, "refusal", refusal)
    return told


async def test_a_thousand_channels_at_once_are_no_storm(
    serve: Serve, through: Through, refusals: list[RateLimited]
) -> None:
    server = await serve(messages_per_second=500)
    proxy = await through(str(server.make_url("")))
    async with hearth_realtime.connect(proxy.url, token=ALICE) as hearth:
        names = [f"circle-{number}" for number in range(1000)]
        channels = await asyncio.gather(*(hearth.circle(name) for name in names))
        assert {channel.state for channel in channels} == {"live"}
        # Nor when they all come back; and what else there is to say isn't behind all of them.
        proxy.cut()
        await until(lambda: channels[0].state == "recovering")
        await channels[-1].publish("user_message", {"content": "Hi"})
        assert [channel.state for channel in channels].count("live") < 900
        await until(lambda: {channel.state for channel in channels} == {"live"}, seconds=60)
        assert refusals == []


@pytest.mark.usefixtures("untold_rate")
async def test_many_channels_of_a_server_that_tells_no_limit(
    serve: Serve, refusals: list[RateLimited]
) -> None:
    url = str((await serve(messages_per_second=100)).make_url(""))
    async with hearth_realtime.connect(url, token=ALICE) as hearth:
        names = [f"circle-{number}" for number in range(600)]
        await asyncio.gather(*(hearth.circle(name) for name in names))
        # Those that were on their way when the first one was refused.
        assert 0 < len(refusals) <= 600


def test_requests_are_as_fast_as_the_limit_and_no_faster() -> None:
    async def main() -> None:
        now = asyncio.get_running_loop().time
        pace = Pace()
        began = now()
        await asyncio.gather(*(pace.turn("typing") for _ in range(1000)))
        assert now() - began < 0.1
        pace.limit(100)
        began = now()
        await asyncio.gather(*(pace.turn("typing") for _ in range(100)))
        assert now() - began < 0.1
        await asyncio.gather(*(pace.turn("typing") for _ in range(98)))
        assert 0.9 < now() - began < 1.1

    run_virtually(main)


def test_joins_and_other_requests_take_turns() -> None:
    async def main() -> None:
        pace = Pace()
        pace.limit(10)
        order: list[str] = []

        async def take(event: str) -> None:
            await pace.turn(event)
            order.append(event)

        events = ["join"] * 30 + ["leave"] + ["typing"] * 3
        await asyncio.gather(*map(take, events))
        assert order.index("leave") == 33
        assert [order.index("typing"), order[:17].count("typing")] == [10, 3]

    run_virtually(main)


def test_who_gives_up_takes_no_turn() -> None:
    async def main() -> None:
        pace = Pace()
        pace.limit(1)
        await pace.turn("typing")
        waiting = [asyncio.create_task(pace.turn("typing")) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        waiting[1].cancel()
        began = asyncio.get_running_loop().time()
        await waiting[2]
        assert asyncio.get_running_loop().time() - began < 1.1

    run_virtually(main)


def test_a_refusal_holds_everybody_back_and_tells_an_untold_limit() -> None:
    async def main() -> None:
        now = asyncio.get_running_loop().time
        pace = Pace()
        pace.pause(0.1)
        began = now()
        await pace.turn("typing")
        assert now() - began >= 0.1
        await asyncio.gather(*(pace.turn("join") for _ in range(20)))
        assert 4.0 < now() - began < 4.5  # at half of what was told

    run_virtually(main)


def test_when_the_connection_ends_nobody_waits() -> None:
    async def main() -> None:
        pace = Pace()
        pace.limit(1)
        waiting = [asyncio.create_task(pace.turn("join")) for _ in range(1000)]
        await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        pace.end()
        await asyncio.gather(*waiting)
        assert asyncio.get_running_loop().time() - began < 0.1

    run_virtually(main)
