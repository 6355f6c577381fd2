"""The directory of channels, as the console asks for it."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.client import Client
from tests.support.ready import until_ready
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE, BOB, SERVICE, token
from tests.web.conftest import OpenConsole


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.processes)])
async def listed(request: pytest.FixtureRequest, serve: Serve) -> TestServer:
    """A server whose channels are in memory, or in Redis."""
    if request.param == "redis":
        redis: RedisServer = request.getfixturevalue("redis_server")
        server = await serve(redis_url=redis.url)
        await until_ready(server)
    else:
        server = await serve()
    return server


async def ask(server: TestServer, proof: str | None) -> tuple[int, Any]:
    """Return the status and the answer."""
    headers = {} if proof is None else {"Authorization": f"Bearer {proof}"}
    async with (
        aiohttp.ClientSession() as http,
        http.get(server.make_url("/console/channels"), headers=headers) as response,
    ):
        return response.status, await response.json()


def members(answer: Any) -> dict[tuple[str, str], Any]:
    """Return the ids of each channel's members; None: they aren't told."""
    return {
        (one["namespace"], one["channel"]): one["presence"]
        and [member["id"] for member in one["presence"]["members"]]
        for one in answer["channels"]
    }


async def test_channels_with_members_are_listed_as_far_as_the_token_sees(
    listed: TestServer, connect: Connect
) -> None:
    url = str(listed.make_url(""))

    async def enter(proof: str, namespace: str, *channels: str) -> Client:
        client = await connect(namespace, proof, url=url)
        for channel in channels:
            await client.join(channel)
        return client

    await enter(ALICE, "/circles", "dev-team", "ops")
    bob = await enter(BOB, "/circles", "dev-team")
    await enter(ALICE, "/notifications")
    await enter(SERVICE, "/feeds", "logs")
    status, answer = await ask(listed, SERVICE)
    assert status == 200
    assert answer["more"] == 0
    assert members(answer) == {
        ("/circles", "dev-team"): ["alice", "bob"],
        ("/circles", "ops"): ["alice"],
        ("/notifications", "broadcast"): ["alice"],
        ("/notifications", "user:alice"): ["alice"],
        ("/feeds", "logs"): ["ci"],
    }
    _, answer = await ask(listed, token("eve", "user", "circles:dev-*:r"))
    assert members(answer) == {
        ("/circles", "dev-team"): ["alice", "bob"],
        ("/notifications", "broadcast"): None,
    }
    await bob.request("leave", {"channel": "dev-team"})
    _, answer = await ask(listed, ALICE)
    assert members(answer)["/circles", "dev-team"] == ["alice"]


async def test_who_has_no_valid_token_learns_nothing(server: TestServer) -> None:
    for proof in (None, "nonsense", token("eve", "user", "*:*:r", secret="x" * 40)):
        status, answer = await ask(server, proof)
        assert (status, answer["error"]["code"]) == (401, "unauthorized")
    status, answer = await ask(server, token("eve", "user", "*:*:r", expires_in=-60))
    assert (status, answer["error"]["code"]) == (401, "token_expired")


async def test_an_answer_is_bounded_and_says_how_many_more_there_are(
    serve: Serve, connect: Connect
) -> None:
    server = await serve()
    client = await connect(url=str(server.make_url("")))
    for number in range(203):
        await client.join(f"team-{number:03}")
    _, answer = await ask(server, ALICE)
    assert (len(answer["channels"]), answer["more"]) == (200, 3)


async def test_the_console_shows_other_channels_and_joins_them(
    open_console: OpenConsole, connect: Connect, url: str
) -> None:
    bob = await connect(token=BOB, url=url)
    await bob.join("ops")
    console = await open_console(url)
    await console.shows()
    await expect(console.others).to_have_count(1)
    await expect(console.others).to_contain_text(["/circles"])
    await expect(console.others.locator(".listed-members")).to_have_text(["developer"])
    await console.others.get_by_role("button", name="ops").click()
    await console.shows("ops")
    await expect(console.others).to_have_count(0)
    await bob.disconnect()
    await console.page.get_by_role("button", name="Leave ops").click()
    await expect(console.page.locator("#directory-hint")).to_have_text("You are in all of them.")
