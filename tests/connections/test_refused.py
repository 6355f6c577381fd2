"""Refused tokens and limits: the log says who was refused, and what would admit it."""

from __future__ import annotations

import time

import aiohttp
import jwt
import pytest
import socketio.exceptions
from aiohttp.test_utils import TestServer

from tests.fixtures.clients import Connect
from tests.fixtures.logs import Logs
from tests.fixtures.servers import Serve
from tests.support.client import Client
from tests.support.metrics import scrape
from tests.support.plain import PlainClient
from tests.support.raw import raw_websocket
from tests.support.tokens import ALICE, SECRET, token

FOREIGN = token("mallory", secret="somebody else's secret, which is long enough")
EXPIRED = token("alice", expires_in=-60)
# What a client brings, its reason, its error and what would admit it.
TOKENS = {
    "none": (None, "no_token", "unauthorized", "ANONYMOUS_GRANTS"),
    "of another secret": (FOREIGN, "token", "unauthorized", "AUTH_SECRET"),
    "no token at all": ("s3cret", "token", "unauthorized", "AUTH_SECRET"),
    "expired": (EXPIRED, "token_expired", "token_expired", "a fresh token"),
}


@pytest.mark.parametrize(
    ("brought", "reason", "code", "admitted_by"), TOKENS.values(), ids=TOKENS.keys()
)
async def test_a_refused_client_is_told_of_once(
    server: TestServer,
    connect: Connect,
    logs: Logs,
    brought: str | None,
    reason: str,
    code: str,
    admitted_by: str,
) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        await connect("/feeds", token=brought)
    [line] = logs.refusals()
    assert line["reason"] == reason
    assert line["address"] == "127.0.0.1"
    assert line["namespace"] == "/feeds"
    assert admitted_by in line["admitted_by"]
    assert line["error"].endswith(".")
    assert brought is None or brought not in str(line)
    assert (await scrape(server))["hearth_refused_total", (reason,)] == 1


@pytest.mark.parametrize(
    ("brought", "reason", "code", "admitted_by"), TOKENS.values(), ids=TOKENS.keys()
)
async def test_so_is_one_that_brings_it_over_a_plain_websocket(
    server: TestServer,
    session: aiohttp.ClientSession,
    logs: Logs,
    brought: str | None,
    reason: str,
    code: str,
    admitted_by: str,
) -> None:
    client = PlainClient(await session.ws_connect(server.make_url("/ws/circles/dev-team")))
    await client.send({"type": "auth", "token": brought} if brought else {"type": "hello"})
    assert (await client.read())["data"]["code"] == code
    assert await client.closed() == 4001
    [line] = logs.refusals()
    assert (line["reason"], line["address"]) == (reason, "127.0.0.1")
    assert admitted_by in line["admitted_by"]
    assert brought is None or brought not in str(line)


async def test_a_path_that_the_token_does_not_open_is_told_of(
    server: TestServer, session: aiohttp.ClientSession, logs: Logs
) -> None:
    stranger = token("eve", "user", "circles:lobby:r")
    url = server.make_url("/ws/circles/dev-team").with_query(token=stranger)
    client = PlainClient(await session.ws_connect(url))
    assert await client.closed() == 4003
    assert [line["reason"] for line in logs.refusals()] == ["forbidden"]


async def test_a_namespace_that_is_not_there_is_told_of(server: TestServer, logs: Logs) -> None:
    async with raw_websocket(server) as socket:
        await socket.engine()
        socket.write("40/circuses,")
        assert str(await socket.next()).startswith("44/circuses,")
    [line] = logs.refusals()
    assert (line["reason"], line["namespace"]) == ("namespace", "/circuses")


async def test_limits_are_told_of_with_the_setting_that_sets_them(
    serve: Serve, connect: Connect, session: aiohttp.ClientSession, logs: Logs
) -> None:
    server = await serve(messages_per_second=0.001, max_message_bytes=2000)
    url = str(server.make_url(""))
    client = await connect(url=url)
    message = {"channel": "dev-team", "data": {"content": "x" * 2500}}
    assert (await client.request("user_message", message))["error"]["code"] == "too_large"
    for _time in range(7):  # more than there are lines for
        assert (await client.request("ping"))["error"]["code"] == "rate_limited"
    plain_url = server.make_url("/ws/circles/dev-team").with_query(token=ALICE)
    plain = PlainClient(await session.ws_connect(plain_url))
    for _time in range(2):
        await plain.send({"type": "user_message", "content": "Hi"})
    assert (await plain.next("error"))["data"]["code"] == "rate_limited"
    told = [(line["reason"], line["admitted_by"], line["address"]) for line in logs.refusals()]
    assert told[0] == ("too_large", "MAX_MESSAGE_BYTES", "127.0.0.1")
    reasons = ("rate_limited", "flood")
    assert set(told[1:]) == {(why, "MESSAGES_PER_SECOND", "127.0.0.1") for why in reasons}
    assert len(told) == 1 + 2 * 5
    samples = await scrape(server)
    assert samples["hearth_refused_total", ("rate_limited",)] == 8
    assert samples["hearth_refused_total", ("too_large",)] == 1


async def test_a_bad_token_of_a_live_connection_is_told_of(connect: Connect, logs: Logs) -> None:
    client = await connect()
    answer = await client.request("authenticate", {"token": FOREIGN})
    assert answer["error"]["code"] == "unauthorized"
    [line] = logs.refusals()
    assert line["reason"] == "token"
    assert FOREIGN not in str(line)


async def test_a_wrong_claim_is_told_of_with_the_setting_that_would_admit_it(
    serve: Serve, logs: Logs
) -> None:
    server = await serve(auth_issuer="us", auth_audience="hearth", auth_leeway_seconds=10)
    good = {"sub": "ann", "iss": "us", "aud": "hearth"}
    for wrong, claim, admitted_by in (
        ({"iss": "them"}, "iss", "AUTH_ISSUER"),
        ({"aud": "others"}, "aud", "AUTH_AUDIENCE"),
        ({"iat": int(time.time()) + 600}, "iat", "AUTH_LEEWAY_SECONDS"),
        ({"kind": "root"}, "kind", "its issuer"),
    ):
        client = Client(str(server.make_url("")), "/circles", jwt.encode(good | wrong, SECRET))
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect()
        refused = await client.refused
        assert claim in refused["message"]
        line = logs.refusals()[-1]
        assert (line["reason"], line["admitted_by"]) == ("token", admitted_by)
        assert line["error"] == refused["message"]
