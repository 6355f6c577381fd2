"""Limits over the connections of one identity, and of one address, for plain members."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestServer

from app.core.quota import RETRY_SECONDS
from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.plain.conftest import Open
from tests.support.metrics import scrape
from tests.support.tokens import ALICE, BOB

MOST = 3


def url_of(server: TestServer) -> str:
    return str(server.make_url(""))


@pytest.fixture
async def few(serve: Serve) -> TestServer:
    """A server that takes few connections of one identity."""
    return await serve(connections_per_identity=MOST)


async def test_a_plain_one_too_many_is_closed_with_a_code_of_its_own(
    few: TestServer, open_plain: Open
) -> None:
    tabs = [await open_plain(url=url_of(few)) for _number in range(MOST)]
    for tab in tabs:
        await tab.next("connection_ack")
    late = await open_plain(url=url_of(few))
    assert await late.refusal() == (4029, "rate_limited")
    assert late.received[-1]["data"]["retry_after"] == RETRY_SECONDS
    await tabs[0].settle()
    assert (await scrape(few))["hearth_closed_total", ("rate_limited",)] == 1


async def test_a_token_that_comes_as_a_frame_counts_too(
    few: TestServer, connect: Connect, open_plain: Open
) -> None:
    for _number in range(MOST):
        await connect(url=url_of(few))
    late = await open_plain(url=url_of(few), token=None)
    await late.send({"type": "auth", "token": ALICE})
    assert await late.refusal() == (4029, "rate_limited")


async def test_a_plain_one_from_an_address_too_many_is_closed(
    serve: Serve, connect: Connect, open_plain: Open
) -> None:
    narrow = await serve(connections_per_address=MOST)
    for _number in range(MOST):
        await connect(url=url_of(narrow))
    late = await open_plain(url=url_of(narrow), token=BOB)
    assert await late.refusal() == (4029, "rate_limited")
    assert late.received[-1]["data"]["message"] == (
        "There are too many connections from this address."
    )


async def test_an_identity_has_one_budget_on_all_of_its_connections(
    serve: Serve, connect: Connect, open_plain: Open
) -> None:
    server = await serve(messages_per_second_per_identity=0.001)
    plain, other = await open_plain(url=url_of(server)), await connect(url=url_of(server))
    assert (await plain.next("connection_ack"))["data"]["limits"] == {
        **(await other.next("connection_ack"))["data"]["limits"],
        "messages_per_second_per_identity": 0.001,
    }
    assert (await other.request("ping"))["ok"]
    await plain.send({"type": "user_message", "content": "Hi", "nonce": "1"})
    error = await plain.next("error")
    assert (error["data"]["code"], error["nonce"]) == ("rate_limited", "1")
    assert error["data"]["retry_after"] > 0
