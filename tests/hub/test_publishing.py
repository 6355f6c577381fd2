"""Several drafts as one step, what workers emit, and what is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from app.broker.contract import Fence, Fenced, Published
from app.broker.memory import MemoryBroker
from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.history import HistoryOptions
from app.core.message import Message, Receipt
from app.hub.draft import Draft
from app.hub.hub import Hub
from schemas.errors import SchemaError
from tests.support.hubs import new_hub, running_hub
from tests.support.members import RecordingFanOut
from tests.support.messages import OTHER, TEAM, somebody, texts_of

ALICE = somebody("alice", "user", "circles:*:rw")
READER = somebody("ci", "service", "*:*:r")
FENCE = Fence("token", b"digest")
USER_MESSAGE = ("/circles", "user_message")


@pytest.fixture
async def hub(fanout: RecordingFanOut) -> AsyncIterator[Hub]:
    async with running_hub(fanout) as hub:
        yield hub


def says(text: str, channel: Channel = TEAM, nonce: str | None = None) -> Draft:
    return Draft(channel, "user_message", {"content": text}, ALICE.to_dict(), nonce=nonce)


async def contents(hub: Hub) -> list[list[str]]:
    """Return the history of both channels, as texts."""
    pages = [await hub.history(READER, channel, None, 10) for channel in (TEAM, OTHER)]
    return [texts_of(page.publications) for page in pages]


# Several


async def test_several_are_published_and_counted(hub: Hub) -> None:
    receipts = await hub.publish_all([says("a"), says("b", OTHER), says("c")])
    assert [receipt.offset for receipt in receipts] == [1, 1, 2]
    assert await contents(hub) == [["a", "c"], ["b"]]
    assert hub.counters.published == {USER_MESSAGE: 3}


async def test_of_several_where_no_schema_takes_one_none_is_published(hub: Hub) -> None:
    with pytest.raises(SchemaError):
        await hub.publish_all([says("a"), Draft(OTHER, "user_message", {})])
    assert await contents(hub) == [[], []]
    assert hub.counters.published == {}


async def test_duplicates_are_not_counted(hub: Hub) -> None:
    await hub.publish(says("a", nonce="n1"))
    receipts = await hub.publish_all([says("a", nonce="n1"), says("b", OTHER, nonce="n1")])
    assert [receipt.duplicate for receipt in receipts] == [True, False]
    assert hub.counters.published == {USER_MESSAGE: 2}


# What clients publish


class SlowBroker(MemoryBroker):
    """Gives receipts when the test wants it to, as one that has to ask Redis."""

    def __init__(self) -> None:
        super().__init__(HistoryOptions())
        self.receipts: list[asyncio.Future[Receipt]] = []

    def publish_nowait(  # type: ignore[override]
        self, channel: Channel, message: Message
    ) -> asyncio.Future[Receipt]:
        self.receipts.append(asyncio.get_running_loop().create_future())
        return self.receipts[-1]


async def test_what_a_client_publishes_is_counted_before_it_is_acknowledged(
    fanout: RecordingFanOut,
) -> None:
    broker = SlowBroker()
    hub = new_hub(fanout, broker)
    counted: list[int] = []
    for number in range(3):
        receipt = hub.publish_as(ALICE, says("a"))
        assert isinstance(receipt, asyncio.Future)
        receipt.add_done_callback(lambda _: counted.append(hub.counters.published[USER_MESSAGE]))
        broker.receipts[number].set_result(Receipt(1, "e1", "then", duplicate=number == 1))
    await asyncio.gather(*broker.receipts)
    assert counted == [1, 1, 2]


async def test_what_was_not_published_is_not_counted(fanout: RecordingFanOut) -> None:
    broker = SlowBroker()
    hub = new_hub(fanout, broker)
    failing, cancelled = (hub.publish_as(ALICE, says("a")) for _ in range(2))
    assert isinstance(failing, asyncio.Future)
    assert isinstance(cancelled, asyncio.Future)
    broker.receipts[0].set_exception(Unavailable())
    broker.receipts[1].cancel()
    results = await asyncio.gather(failing, cancelled, return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable, asyncio.CancelledError]
    assert hub.counters.published == {}


# What workers emit


class FencedBroker(MemoryBroker):
    """Has the lease or not, and remembers what was published by it."""

    def __init__(self) -> None:
        super().__init__(HistoryOptions())
        self.has_lease = True
        self.fences: list[tuple[Fence | None, int]] = []

    async def publish_all(
        self, targets: Sequence[tuple[Channel, Message]], fence: Fence | None = None
    ) -> Published:
        if not self.has_lease:
            raise Fenced
        self.fences.append((fence, len(targets)))
        published = await super().publish_all(targets)
        return Published(published.receipts, f"{len(self.fences)}-0")


@pytest.fixture
def broker() -> FencedBroker:
    return FencedBroker()


@pytest.fixture
def fenced_hub(fanout: RecordingFanOut, broker: FencedBroker) -> Hub:
    return new_hub(fanout, broker)


async def test_an_emit_is_published_with_its_fence_and_counted(
    fenced_hub: Hub, broker: FencedBroker
) -> None:
    emitted = await fenced_hub.publish_emit([says("a"), says("b", OTHER)], FENCE, 10_000)
    assert emitted == ("1-0", None)
    assert broker.fences == [(FENCE, 2)]
    assert fenced_hub.counters.published == {USER_MESSAGE: 2}


async def test_what_no_schema_takes_is_left_out_of_an_emit(
    fenced_hub: Hub, broker: FencedBroker
) -> None:
    bad = Draft(OTHER, "user_message", {})
    emitted = await fenced_hub.publish_emit([says("a"), bad], FENCE, 10_000)
    assert emitted.refused is not None
    assert list(emitted.refused.fields) == ["data.content"]
    assert await contents(fenced_hub) == [["a"], []]
    assert broker.fences == [(FENCE, 1)]


async def test_of_an_emit_that_is_too_large_only_its_digest_is_logged(
    fenced_hub: Hub, broker: FencedBroker
) -> None:
    texts = ["x" * 400, "y" * 400]
    drafts = [says(text, channel) for text, channel in zip(texts, (TEAM, OTHER), strict=True)]
    emitted = await fenced_hub.publish_emit(drafts, FENCE, 1000)
    assert "2 channels of /circles" in str(emitted.refused)
    assert await contents(fenced_hub) == [[], []]
    assert broker.fences == [(FENCE, 0)]
    assert fenced_hub.counters.published == {}


async def test_an_emit_of_who_has_not_the_lease_is_not_published(
    fenced_hub: Hub, broker: FencedBroker
) -> None:
    broker.has_lease = False
    with pytest.raises(Fenced):
        await fenced_hub.publish_emit([says("a")], FENCE, 10_000)
    assert fenced_hub.counters.published == {}
