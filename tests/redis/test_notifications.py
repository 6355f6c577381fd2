"""Who connects while Redis is away has its notifications once it is back."""

from __future__ import annotations

import socketio

from tests.fixtures.processes import Run
from tests.support.node import NodeDriver
from tests.support.ready import until, until_status
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE


async def test_a_stock_client_gets_its_channels_in_the_end(run: Run, node: NodeDriver) -> None:
    redis = RedisServer()
    process = await run(REDIS_URL=redis.url)
    try:
        alice = node.open(process.url, "/notifications", auth={"token": ALICE})
        error = await alice.next("error")
        assert error["data"]["code"] == "unavailable"
        assert (await alice.moment("disconnect"))["reason"] == "transport close"
        redis.start()
        await until_status(process.url)

        await until(lambda: len(redis.ask("PUBSUB", "CHANNELS", "*user:alice*")) == 1)
        worker = socketio.AsyncRedisManager(redis.url, write_only=True)
        payload = {"title": "Hello", "message": "…"}
        await worker.emit("notification", payload, "/notifications", room="user:alice")
        await worker.redis.aclose()
        assert (await alice.next("notification"))["data"]["title"] == "Hello"
    finally:
        redis.close()
