"""Who connects while Redis is away has its notifications once it is back."""

from __future__ import annotations

from typing import Any

from tests.fixtures.processes import Run
from tests.support.node import NodeDriver
from tests.support.ready import until, until_status
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE


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
    payload = {"title": "Hello", "message": "…"}
    await worker.emit("notification", payload, "/notifications", room="user:alice")
    assert (await alice.next("notification"))["data"]["title"] == "Hello"
