"""A broker of several processes: the others get a message first, or nobody gets it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.broker.relayed import RelayedBroker
from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.message import Message
from tests.broker.contract import SECONDS, SIZE, BrokerContract, MakeBroker
from tests.support.clock import SettableClock
from tests.support.listener import Listener
from tests.support.messages import OTHER, TEAM, message, texts_of


class RecordingRelay:
    """The way to other processes, which remembers what it was given; `down`: it takes nothing."""

    def __init__(self) -> None:
        self.sent: list[tuple[Channel, Message]] = []
        self.states: list[str] = []
        self.down = False

    @property
    def ready(self) -> bool:
        return not self.down

    async def start(self) -> None:
        self.states.append("started")

    async def close(self) -> None:
        self.states.append("closed")

    async def send(self, channel: Channel, message: Message) -> None:
        if self.down:
            raise Unavailable
        self.sent.append((channel, message))


class TestRelayedBroker(BrokerContract):
    @pytest.fixture
    async def make_broker(self, clock: SettableClock) -> MakeBroker:
        async def make(history_size: int, history_seconds: float) -> RelayedBroker:
            broker = RelayedBroker(RecordingRelay(), history_size, history_seconds, clock)
            await broker.start()
            return broker

        return make


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def relay() -> RecordingRelay:
    return RecordingRelay()


@pytest.fixture
def broker(relay: RecordingRelay, clock: SettableClock) -> RelayedBroker:
    return RelayedBroker(relay, SIZE, SECONDS, clock)


async def test_the_others_get_a_message_as_it_was_published(
    broker: RelayedBroker, relay: RecordingRelay, clock: SettableClock
) -> None:
    one, other = message("a", clock(), nonce_key="alice 1"), message("b", clock(), kept=False)
    await broker.publish(TEAM, one)
    await broker.publish(OTHER, other)
    assert relay.sent == [(TEAM, one), (OTHER, other)]


async def test_the_others_get_it_first(
    broker: RelayedBroker, relay: RecordingRelay, clock: SettableClock
) -> None:
    sent_when_received: list[int] = []
    broker.receive = lambda channel, publication: sent_when_received.append(len(relay.sent))
    await broker.subscribe(TEAM)
    await broker.publish(TEAM, message("a", clock()))
    assert sent_when_received == [1]


async def test_what_came_from_another_process_is_not_sent_back(
    broker: RelayedBroker, relay: RecordingRelay, clock: SettableClock
) -> None:
    listener = Listener(broker)
    await broker.subscribe(TEAM)
    await broker.publish(TEAM, replace(message("a", clock()), relay=False))
    assert relay.sent == []
    assert listener.texts() == ["a"]


async def test_a_duplicate_is_not_sent(
    broker: RelayedBroker, relay: RecordingRelay, clock: SettableClock
) -> None:
    for _ in range(2):
        receipt = await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
    assert receipt.duplicate is True
    assert len(relay.sent) == 1
    clock.advance(301)
    await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
    assert len(relay.sent) == 2


async def test_what_the_others_did_not_get_is_not_published_here(
    broker: RelayedBroker, relay: RecordingRelay, clock: SettableClock
) -> None:
    listener = Listener(broker)
    await broker.subscribe(TEAM)
    relay.down = True
    with pytest.raises(Unavailable):
        await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
    assert listener.received == []
    assert (await broker.history(TEAM, None, 10)).publications == []
    relay.down = False
    receipt = await broker.publish(TEAM, message("b", clock(), nonce_key="alice 1"))
    assert (receipt.publication.offset, receipt.duplicate) == (1, False)
    assert listener.texts() == ["b"]


async def test_a_duplicate_is_answered_while_the_others_are_gone(
    broker: RelayedBroker, relay: RecordingRelay, clock: SettableClock
) -> None:
    first = await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
    relay.down = True
    again = await broker.publish(TEAM, message("a", clock(), nonce_key="alice 1"))
    assert again == replace(first, duplicate=True)


async def test_history_is_readable_while_the_others_are_gone(
    broker: RelayedBroker, relay: RecordingRelay, clock: SettableClock
) -> None:
    await broker.publish(TEAM, message("a", clock()))
    relay.down = True
    assert texts_of((await broker.history(TEAM, None, 10)).publications) == ["a"]


async def test_it_is_ready_when_its_relay_is(broker: RelayedBroker, relay: RecordingRelay) -> None:
    assert broker.ready is True
    relay.down = True
    assert broker.ready is False


async def test_the_relay_lives_as_long_as_the_broker(
    broker: RelayedBroker, relay: RecordingRelay
) -> None:
    await broker.start()
    await broker.close()
    assert relay.states == ["started", "closed"]
