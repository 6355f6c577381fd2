"""Agents in Python whose tokens are refused, end, and are renewed."""

from __future__ import annotations

import asyncio

import hearth_realtime
import pytest
from aiohttp.test_utils import TestServer
from hearth_realtime import HearthError
from hearth_realtime.tokens import expires_at, renew_after

from tests.support.agents import contents, take
from tests.support.tokens import ALICE, token


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (None, "unauthorized"),
        ("garbage", "unauthorized"),
        (token("alice", secret="a secret of somebody else, long enough"), "unauthorized"),
        (token("alice", expires_in=-60), "token_expired"),
    ],
    ids=["none", "garbage", "foreign", "expired"],
)
async def test_a_refusal_is_raised(server: TestServer, shown: str | None, code: str) -> None:
    async with hearth_realtime.connect(str(server.make_url("")), token=shown) as hearth:
        with pytest.raises(HearthError) as caught:
            await hearth.circle("dev-team")
        assert caught.value.code == code
        with pytest.raises(HearthError, match=code):
            await hearth.publish("/circles", "dev-team", "user_message", {"content": "Hi"})


async def test_a_token_that_ends_ends_the_channel(server: TestServer) -> None:
    short = token("alice", "user", "*:*:rw", expires_in=1)
    async with hearth_realtime.connect(str(server.make_url("")), token=short) as hearth:
        circle = await hearth.circle("dev-team")
        with pytest.raises(HearthError, match="token_expired"):
            await take(circle, 1)
        assert circle.state == "closed"
        with pytest.raises(HearthError, match="token_expired"):
            await circle.publish("user_message", {"content": "Hi"})


async def test_tokens_are_renewed_without_losing_the_connection(server: TestServer) -> None:
    given: list[str] = []
    renewed = asyncio.Event()

    async def give() -> str:
        given.append(token("alice", "user", "*:*:rw", expires_in=3 if len(given) < 2 else 600))
        if len(given) == 3:
            renewed.set()
        return given[-1]

    async with hearth_realtime.connect(str(server.make_url("")), token=give) as hearth:
        circle = await hearth.circle("dev-team")
        connection = hearth._links["/circles"].connection
        async with asyncio.timeout(30):
            await renewed.wait()
        await circle.publish("user_message", {"content": "Hi"})
        assert contents(await take(circle, 1)) == ["Hi"]
        assert hearth._links["/circles"].connection is connection
    assert len(given) == 3


async def test_a_token_that_ends_before_the_next_one_is_there(server: TestServer) -> None:
    """Whoever gives out tokens fails for a while; the agent is back when it doesn't."""
    given: list[str] = []

    def give() -> str:
        given.append("")
        if 1 < len(given) < 5:
            raise OSError("no token today")
        return token("alice", "user", "*:*:rw", expires_in=2 if len(given) == 1 else 600)

    async with hearth_realtime.connect(str(server.make_url("")), token=give) as hearth:
        circle = await hearth.circle("dev-team")
        first = hearth._links["/circles"].connection
        assert first is not None
        await first.ended.wait()
        await circle.publish("user_message", {"content": "Hi"})
        assert contents(await take(circle, 1)) == ["Hi"]


async def test_what_gives_no_first_token_is_raised(server: TestServer) -> None:
    def give() -> str:
        raise LookupError("no such secret")

    async with hearth_realtime.connect(str(server.make_url("")), token=give) as hearth:
        with pytest.raises(LookupError, match="no such secret"):
            await hearth.circle("dev-team")


async def test_a_fresh_token_that_grants_less_takes_the_channel_away(server: TestServer) -> None:
    grants = [["*:*:rw"], ["circles:lobby:rw"]]

    def give() -> str:
        return token("alice", "user", *grants.pop(0), expires_in=2 if grants else 600)

    async with hearth_realtime.connect(str(server.make_url("")), token=give) as hearth:
        circle, lobby = await hearth.circle("dev-team"), await hearth.circle("lobby")
        with pytest.raises(HearthError, match="forbidden"):
            await take(circle, 1)
        await lobby.publish("user_message", {"content": "Hi"})
        assert contents(await take(lobby, 1)) == ["Hi"]


def test_when_a_token_ends() -> None:
    ends = expires_at(ALICE)
    assert ends is not None
    assert renew_after(ALICE, ends - 600) == 540
    assert renew_after(ALICE, ends - 40) == 30
    assert renew_after(ALICE, ends + 1) == 0.25
    for opaque in ("", "a.b.c", "opaque", "a.e30.c", "a.W10.c"):
        assert renew_after(opaque, 0) is None
