"""The rate limit: a connection over it is refused, and told how long to wait."""

from __future__ import annotations

import time

import pytest

from app.application import create_app
from app.settings import Settings
from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve, Start
from tests.support.tokens import BOB, SECRET

RATE = 5


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slow_url(start_server: Start, clock: Clock) -> str:
    """A server that admits few requests, and whose time stands still."""
    settings = Settings(auth_secret=SECRET, auth_mode="required", messages_per_second=RATE)
    server = await start_server(create_app(settings, clock))
    return str(server.make_url(""))


async def test_too_many_requests_are_refused_until_the_time_that_is_told(
    connect: Connect, slow_url: str, clock: Clock
) -> None:
    client = await connect(url=slow_url)
    burst = [await client.request("ping") for _number in range(2 * RATE)]
    assert all(answer["ok"] for answer in burst)
    error = (await client.request("ping"))["error"]
    assert error["code"] == "rate_limited"
    assert error["retry_after"] > 0
    clock.now += error["retry_after"] * 0.9
    assert (await client.request("ping"))["error"]["code"] == "rate_limited"
    clock.now += error["retry_after"] * 0.2
    assert (await client.request("ping"))["ok"] is True
    assert (await client.request("ping"))["error"]["code"] == "rate_limited"


async def test_what_is_refused_is_not_done(connect: Connect, slow_url: str, clock: Clock) -> None:
    client = await connect(url=slow_url)
    message = {"channel": "dev-team", "data": {"content": "Hello"}}
    answers = [await client.request("user_message", message) for _number in range(3 * RATE)]
    clock.now += 1
    history = await client.request("history", {"channel": "dev-team"})
    assert len(history["messages"]) == sum(answer["ok"] for answer in answers) == 2 * RATE


async def test_a_refusal_that_nobody_waits_for_is_an_event(connect: Connect, slow_url: str) -> None:
    client = await connect(url=slow_url)
    for _number in range(2 * RATE + 1):
        await client.send("ping")
    error = await client.next("error")
    assert error["data"]["code"] == "rate_limited"
    assert error["data"]["retry_after"] > 0


async def test_one_connections_haste_is_nobody_elses(connect: Connect, slow_url: str) -> None:
    hasty, other = await connect(url=slow_url), await connect(token=BOB, url=slow_url)
    for _number in range(2 * RATE):
        await hasty.request("ping")
    assert (await hasty.request("ping"))["ok"] is False
    assert (await other.request("ping"))["ok"] is True


async def test_zero_sets_no_limit(serve: Serve, connect: Connect) -> None:
    server = await serve(messages_per_second=0)
    client = await connect(url=str(server.make_url("")))
    answers = [await client.request("ping") for _number in range(300)]
    assert all(answer["ok"] for answer in answers)
