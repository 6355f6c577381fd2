"""What can't be ingested is rejected, and delays nothing behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from app.broker.contract import Fence, Published
from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.message import Message
from app.redis.replies import ReplyError
from app.workers.ingest import MOST_FAILURES
from app.workers.lease import IngestTimes
from tests.support.ingests import (
    EMITS,
    RunningIngest,
    emit,
    emitted,
    names,
    rejected,
    settled,
    until_contents,
)
from tests.workers.conftest import Start


class Refuses:
    """A broker that fails to publish what contains a word."""

    def __init__(self, one: RunningIngest, word: str, error: Exception) -> None:
        self._publish_all = one.backend.broker.publish_all
        self._word = word
        self._error = error
        self.refused = 0
        one.backend.broker.publish_all = self  # type: ignore[method-assign]

    async def __call__(
        self, targets: Sequence[tuple[Channel, Message]], fence: Fence | None = None
    ) -> Published:
        if any(self._word.encode() in message.body for _channel, message in targets):
            self.refused += 1
            raise self._error
        return await self._publish_all(targets, fence)


@pytest.mark.parametrize("error", [ReplyError("WRONGTYPE of a key"), Unavailable()])
async def test_what_redis_never_takes_is_rejected_and_delays_nobody(
    start: Start,
    redis: Redis,
    error: Exception,
) -> None:
    one = await start(times=IngestTimes(renew=0.05))
    refuses = Refuses(one, "poison", error)
    await emit(redis, 0, 5)
    with capture_logs():
        await redis.publish(EMITS, emitted("poison"))
        await redis.publish(EMITS, emitted("poison"))
        await emit(redis, 5, 10)
        await until_contents(one, names(0, 10))
        await settled([one])
    assert 2 <= refuses.refused <= 2 * MOST_FAILURES + 1
    assert [data for data, _reason in await rejected(redis)] == [emitted("poison")] * 2
    assert one.hub.counters.rejected[EMITS] == 2


async def test_what_cannot_be_read_is_rejected(start: Start, redis: Redis) -> None:
    one = await start()

    async def fail() -> Any:
        raise KeyError("a mistake of ours")

    with capture_logs() as logs:
        one.ingest.receive(EMITS, b"odd", fail)
        await emit(redis, 0, 2)
        await until_contents(one, names(0, 2))
    assert [line["log_level"] for line in logs] == ["error", "warning"]
    assert await rejected(redis) == [(b"odd", b"KeyError")]
