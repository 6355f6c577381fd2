"""The Redis broker keeps the contract, and several of them keep it together."""

from __future__ import annotations

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from app.broker.contract import Fence, Fenced, Published
from app.broker.redis import MAX_RECORD_BYTES, RedisBroker
from app.core.errors import TooLarge, Unavailable
from app.core.history import HistoryOptions, Position
from tests.broker.contracts.broker import BrokerContract
from tests.broker.contracts.fixtures import MakeBroker
from tests.fixtures.redis import StartBackend
from tests.support.backends import RunningBackend
from tests.support.clock import RedisClock, SettableClock
from tests.support.listener import Listener
from tests.support.messages import OTHER, TEAM, message, texts_of
from tests.support.redis import RedisServer


class TestRedisBroker(BrokerContract):
    @pytest.fixture
    def clock(self, redis_server: RedisServer) -> SettableClock:
        return RedisClock(redis_server)

    @pytest.fixture
    async def make_broker(
        self, clock: SettableClock, listener: Listener, start_backend: StartBackend
    ) -> MakeBroker:
        async def make(history: HistoryOptions) -> RedisBroker:
            backend = await start_backend(history=history, clock=clock, listener=listener)
            return backend.broker

        return make


@pytest.fixture
async def backend(start_backend: StartBackend) -> RunningBackend:
    return await start_backend()


async def test_what_is_begun_comes_in_that_order(backend: RunningBackend) -> None:
    broker = backend.broker
    await broker.subscribe(TEAM)
    begun = [
        asyncio.ensure_future(broker.publish_nowait(TEAM, message(str(n), n))) for n in range(50)
    ]
    head = (await broker.recover(TEAM, None, None)).position
    assert [one.result().offset for one in begun] == list(range(1, 51))
    assert head.offset == 50
    assert backend.listener.texts() == [str(n) for n in range(50)]


async def test_what_was_begun_when_scripts_were_forgotten_is_not_overtaken(
    backend: RunningBackend,
) -> None:
    broker = backend.broker
    assert (await broker.publish_nowait(TEAM, message("first", 0))).offset == 1
    await backend.commands.send("SCRIPT", "FLUSH")
    begun = [broker.publish_nowait(TEAM, message("refused", n)) for n in range(3)]
    for one in begun:
        with pytest.raises(Unavailable):
            await one
    assert (await broker.publish_nowait(TEAM, message("second", 4))).offset == 2


async def test_an_entry_that_is_no_publication_makes_nobody_deaf(backend: RunningBackend) -> None:
    broker, keys = backend.broker, backend.keys
    await broker.subscribe(TEAM)
    first = await broker.publish(TEAM, message("a", time.time()))
    await backend.commands.send("HINCRBY", keys.head(TEAM), "offset", 1)
    await backend.commands.send("XADD", keys.log(TEAM), "2-0", "odd", "entry")
    with capture_logs() as logs:
        await broker.publish(TEAM, message("b", time.time()))
        await backend.settle()
        recovery = await broker.recover(TEAM, Position(0, first.epoch), None)
        page = await broker.history(TEAM, None, 10)
    assert backend.listener.texts() == ["a", "b"]
    assert texts_of(recovery.publications) == texts_of(page.publications) == ["a", "b"]
    assert [one.prev for one in recovery.publications] == [None, 1]
    assert {line["event"] for line in logs} == {"ignored what can't be read in Redis"}


async def have_lease(backend: RunningBackend, token: str) -> None:
    await backend.commands.send("SET", backend.keys.ingest_lease, token)


async def contents(backend: RunningBackend) -> list[list[str]]:
    """Return the history of both channels, as texts."""
    pages = [await backend.broker.history(channel, None, 10) for channel in (TEAM, OTHER)]
    return [texts_of(page.publications) for page in pages]


async def test_who_has_the_lease_publishes_and_logs_the_digest(backend: RunningBackend) -> None:
    await have_lease(backend, "ours")
    targets = [(channel, message("a", time.time())) for channel in (TEAM, OTHER)]
    published = await backend.broker.publish_all(targets, Fence("ours", b"digest 1"))
    nothing = await backend.broker.publish_all([], Fence("ours", b"digest 2"))
    assert [receipt.offset for receipt in published.receipts] == [1, 1]
    assert nothing == Published([], nothing.entry_id)
    log = await backend.commands.send("XRANGE", backend.keys.ingest_digests, "-", "+")
    assert [(entry_id.decode(), fields[1]) for entry_id, fields in log] == [
        (published.entry_id, b"digest 1"),
        (nothing.entry_id, b"digest 2"),
    ]


@pytest.mark.parametrize("token", ["theirs", None])
async def test_who_has_not_publishes_nothing(backend: RunningBackend, token: str | None) -> None:
    if token is not None:
        await have_lease(backend, token)
    targets = [(channel, message("late", time.time())) for channel in (TEAM, OTHER)]
    with pytest.raises(Fenced):
        await backend.broker.publish_all(targets, Fence("ours", b"digest"))
    assert await contents(backend) == [[], []]
    assert await backend.commands.send("EXISTS", backend.keys.ingest_digests) == 0


async def test_without_a_fence_nobody_is_asked(backend: RunningBackend) -> None:
    await have_lease(backend, "theirs")
    published = await backend.broker.publish_all([(TEAM, message("a", time.time()))])
    assert published.entry_id == ""
    assert await contents(backend) == [["a"], []]


async def test_of_several_where_one_is_too_large_none_is_published(
    backend: RunningBackend,
) -> None:
    large = message("x" * MAX_RECORD_BYTES, time.time())
    with pytest.raises(TooLarge):
        await backend.broker.publish_all([(TEAM, message("a", time.time())), (OTHER, large)])
    assert await contents(backend) == [[], []]


@pytest.mark.parametrize(
    "reply", [b"*1\r\n$1\r\na\r\n", b"*3\r\n:1\r\n*0\r\n$1\r\na\r\n", b"*0\r\n"]
)
async def test_what_redis_never_sends_stops_nothing(backend: RunningBackend, reply: bytes) -> None:
    link = backend.subscriptions.link
    assert link is not None
    link.data_received(reply)
    await backend.broker.subscribe(TEAM)
    await backend.broker.publish(TEAM, message("a", 1.0))
    await backend.settle()
    assert backend.listener.texts() == ["a"]
    assert backend.subscriptions.link is link
