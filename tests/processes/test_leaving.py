"""Who leaves a server that runs in a process of its own is gone at once."""

from __future__ import annotations

import asyncio
import json

import aiohttp

from tests.fixtures.clients import Connect
from tests.fixtures.processes import Run
from tests.support.client import Client
from tests.support.tokens import ALICE, BOB


async def online(bob: Client, number: int) -> int:
    """Return how many identities the `number`th status counts."""
    status = await bob.next("circle_status", number)
    count: int = status["data"]["online"]
    return count


async def test_a_client_that_leaves_while_it_polls_is_noticed_without_a_ping(
    run: Run, connect: Connect, session: aiohttp.ClientSession
) -> None:
    process = await run(PING_SECONDS="600", PING_TIMEOUT_SECONDS="600")
    url = f"{process.url}/socket.io/?EIO=4&transport=polling"
    async with session.get(url) as response:
        url += f"&sid={json.loads((await response.text())[1:])['sid']}"
    await session.post(url, data="40/circles," + json.dumps({"token": ALICE}))
    await session.post(url, data='42/circles,1["join",{"channel":"dev-team"}]')
    bob = await connect(url=process.url, token=BOB)
    await bob.join()
    assert await online(bob, 1) == 2

    received = ""
    while '"online":2' not in received:
        async with session.get(url) as response:
            received = await response.text()
    # Nothing is left to fetch: the next poll hangs.
    _reader, writer = await asyncio.open_connection(response.url.host, response.url.port)
    writer.write(f"GET {response.url.path_qs} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await writer.drain()
    for _round in range(3):  # by the end of which the server has the request
        await bob.settle()
    writer.transport.abort()
    assert await online(bob, 2) == 1
