"""Limits over processes: what an identity has open and sends is counted everywhere together."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

import aiohttp
import socketio

from tests.fixtures.clients import Connect
from tests.fixtures.processes import RunReady
from tests.support.client import Client
from tests.support.ready import until, until_status
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE, BOB

PATIENCE_SECONDS = 30.0
MOST = 4
NO_RATE = {"MESSAGES_PER_SECOND": "0", "MESSAGES_PER_SECOND_PER_IDENTITY": "0"}


async def attempt(url: str) -> dict[str, Any] | None:
    """Connect as Alice and stay, or return the error that she is refused with."""
    client = Client(url, "/circles", ALICE)
    try:
        await client.connect()
    except socketio.exceptions.ConnectionError:
        error: dict[str, Any] = (await client.refused)["data"]
        return error
    await client.disconnect()
    return None


async def until_refused(url: str) -> None:
    """Wait until Alice is refused there; what is let in before that leaves again."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (error := await attempt(url)) is None:  # noqa: ASYNC110 - it is asked for
            await asyncio.sleep(0.05)
    assert error["code"] == "rate_limited"
    assert error["retry_after"] > 0


async def until_admitted(url: str) -> None:
    """Wait until Alice is let in there."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await attempt(url) is not None:  # noqa: ASYNC110 - it is asked for
            await asyncio.sleep(0.05)


async def status_of_handshake(session: aiohttp.ClientSession, url: str) -> int:
    """Return 101 if a WebSocket is opened, which is closed again, else why it isn't."""
    try:
        socket = await session.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket")
    except aiohttp.WSServerHandshakeError as error:
        return error.status
    await socket.close()
    return 101


async def test_connections_to_several_processes_count_together(
    run_ready: RunReady, connect: Connect
) -> None:
    here, there = await run_ready(2, CONNECTIONS_PER_IDENTITY=str(MOST), **NO_RATE)
    first, *_others = [await connect(url=here.url) for _number in range(MOST - 1)]
    last = await connect(url=there.url)
    for process in (here, there):
        await until_refused(process.url)
    await first.join()
    await connect(url=there.url, token=BOB)
    await last.disconnect()
    await until_admitted(here.url)


async def test_the_first_one_to_a_process_is_judged_by_what_others_have(
    run_ready: RunReady, connect: Connect
) -> None:
    here, there = await run_ready(2, CONNECTIONS_PER_IDENTITY=str(MOST), **NO_RATE)
    for _number in range(MOST):
        await connect(url=here.url)
    await connect(url=there.url, token=BOB)
    await until_refused(there.url)
    admitted = await asyncio.gather(*(attempt(there.url) for _number in range(5)))
    assert None not in admitted


async def test_what_a_killed_process_had_counts_no_more(
    run_ready: RunReady, connect: Connect
) -> None:
    here, there = await run_ready(2, CONNECTIONS_PER_IDENTITY=str(MOST), **NO_RATE)
    await connect(url=here.url)
    for _number in range(MOST - 1):
        await connect(url=there.url)
    await until_refused(here.url)
    await there.stop(signal.SIGKILL)
    await until_admitted(here.url)


async def test_each_goes_on_by_itself_while_redis_is_away(
    run_ready: RunReady, redis_server: RedisServer, connect: Connect
) -> None:
    here, there = await run_ready(2, CONNECTIONS_PER_IDENTITY=str(MOST), **NO_RATE)
    for _number in range(MOST - 1):
        await connect(url=here.url)
    await connect(url=there.url)
    await until_refused(here.url)
    redis_server.stop()
    await until_status(here.url, 503)
    await until_admitted(here.url)  # it has but its own
    await connect(url=here.url)
    await until_refused(here.url)
    redis_server.start()
    await until_status(here.url)
    await until_refused(there.url)  # they have told each other again


async def test_addresses_are_counted_over_all_processes(
    run_ready: RunReady, connect: Connect, session: aiohttp.ClientSession
) -> None:
    here, there = await run_ready(2, CONNECTIONS_PER_ADDRESS=str(MOST), **NO_RATE)
    clients = [await connect(url=here.url) for _number in range(MOST - 1)]
    clients.append(await connect(url=there.url, token=BOB))
    for process in (here, there):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await status_of_handshake(session, process.url) != 429:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    await clients[0].join()


async def test_a_flood_of_reconnecting_connections_keeps_to_the_budget(
    run_ready: RunReady, connect: Connect, session: aiohttp.ClientSession
) -> None:
    """And the tab that was there first goes on: nothing is refused to it."""
    rate, at_once = 100, 20
    settings = {"MESSAGES_PER_SECOND": "0", "CONNECTIONS_PER_IDENTITY": "0"}
    processes = await run_ready(2, MESSAGES_PER_SECOND_PER_IDENTITY=str(rate), **settings)
    tab = await connect(url=processes[0].url)
    began = time.monotonic()
    admitted = refused = 0
    over = False

    async def flood(number: int) -> None:
        nonlocal admitted, refused
        while not over:
            url = f"{processes[number % 2].url}/ws/channels?token={ALICE}"
            async with session.ws_connect(url) as socket:
                for request in range(at_once):
                    await socket.send_json({"type": "ping", "id": request})
                answers = 0
                while answers < at_once:
                    message = await socket.receive_json()
                    if message["type"] == "ack":
                        answers += 1
                        admitted += message["ok"]
                        refused += not message["ok"]

    flooding = [asyncio.create_task(flood(number)) for number in range(50)]
    for number in range(3, 9):
        # That takes a second each time, in which the tab's share is more than one request.
        await until(lambda most=number * rate: admitted > most)  # type: ignore[misc]
        assert (await tab.request("ping"))["ok"]
    over = True
    await asyncio.gather(*flooding)
    # Each process had the whole budget until it had heard of the other.
    assert admitted <= rate * (time.monotonic() - began) + 3 * rate
    assert refused > admitted
