"""Who connects while Redis is away has its notifications once it is back."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from tests.fixtures.clients import Connect
from tests.fixtures.processes import Run
from tests.fixtures.servers import Serve
from tests.support.node import TRANSPORTS, NodeDriver
from tests.support.ready import until, until_status
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE, BOB

PAYLOAD: Final = {"title": "Hello", "message": "…"}


async def test_a_stock_client_gets_its_channels_in_the_end(
    run: Run, node: NodeDriver, late_redis: RedisServer, worker: Any
) -> None:
    process = await run(REDIS_URL=late_redis.url)
    alice = node.open(process.url, "/notifications", auth={"token": ALICE})
    error = await alice.next("error")
    assert error["data"]["code"] == "unavailable"
    assert (await alice.moment("disconnect"))["reason"] == "transport close"
    late_redis.start()
    await until_status(process.url)

    await until(lambda: len(late_redis.ask("PUBSUB", "CHANNELS", "*user:alice*")) == 1)
    await worker.emit("notification", PAYLOAD, "/notifications", room="user:alice")
    assert (await alice.next("notification"))["data"]["title"] == "Hello"


async def test_a_page_that_is_opened_while_redis_is_away_is_told_so_and_gets_in_by_itself(
    run: Run, node: NodeDriver, late_redis: RedisServer, transport: str
) -> None:
    process = await run(REDIS_URL=late_redis.url)
    auth = {"token": ALICE, "recover": True}
    alice = node.open(process.url, "/notifications", auth=auth, **TRANSPORTS[transport])
    for attempt in (1, 2):
        error = await alice.next("error", attempt)
        assert error["data"]["code"] == error["error"]["code"] == "unavailable"
        await alice.moment("disconnect", attempt)
    late_redis.start()
    await until_status(process.url)
    await until(lambda: len(late_redis.ask("PUBSUB", "CHANNELS", "*user:alice*")) == 1)
    assert alice.moments("connect_error") == []
    assert "sticky sessions" not in str(process.log)


async def test_who_has_connected_has_joined(
    serve: Serve, connect: Connect, redis_server: RedisServer, worker: Any
) -> None:
    url = str((await serve(redis_url=redis_server.url)).make_url(""))
    await connect("/notifications", BOB, url)
    redis_server.freeze()
    connecting = asyncio.ensure_future(connect("/notifications", ALICE, url))
    try:
        done, _pending = await asyncio.wait([connecting], timeout=0.3)
        assert not done
    finally:
        redis_server.thaw()
    alice = await connecting
    await worker.emit("notification", PAYLOAD, "/notifications", room="user:alice")
    assert (await alice.next("notification"))["data"] == PAYLOAD
