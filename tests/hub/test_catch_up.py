"""Members that are behind get history as they read it (docs/protocol.md, "Requests")."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest
from structlog.testing import capture_logs

from app.broker.memory import MemoryBroker
from app.core.channel import Channel
from app.core.clock import isoformat
from app.core.closing import Closing
from app.core.errors import Unavailable
from app.core.history import HistoryOptions, Position, Recovery
from app.core.message import DISCONTINUITY, Message
from app.hub.hub import Hub
from app.hub.member import Member
from tests.support.hubs import new_hub
from tests.support.members import Nowhere, RecordingFanOut, new_member
from tests.support.messages import OTHER, TEAM, somebody, texts_of
from tests.support.ready import until

ANSWER_BYTES = 4000
BOB = somebody("bob", "user", "circles:*:r")


class Slow(Nowhere):
    """A connection that takes what it gets when a test says so."""

    unsent = 0

    @property
    def unsent_bytes(self) -> int:
        return self.unsent


class Fickle(MemoryBroker):
    """A broker that can be reached only while it is `up`, and notes how much was read at once."""

    up = True
    defect: Exception | None = None
    largest = 0

    async def recover(
        self,
        channel: Channel,
        since: Position | None,
        limit: int | None,
        most_bytes: int | None = None,
    ) -> Recovery:
        if not self.up:
            raise Unavailable
        if self.defect is not None:
            raise self.defect
        recovery = await super().recover(channel, since, limit, most_bytes)
        size = sum(len(one.body) for one in recovery.publications)
        self.largest = max(self.largest, size)
        return recovery


@pytest.fixture
def broker() -> Fickle:
    return Fickle(HistoryOptions(size=100, seconds=0))


@pytest.fixture
async def hub(fanout: RecordingFanOut, broker: Fickle) -> AsyncIterator[Hub]:
    hub = new_hub(fanout, broker, answer_bytes=ANSWER_BYTES)
    await hub.memberships.start()
    yield hub
    await hub.memberships.close()


@pytest.fixture
def bob() -> Member:
    return new_member("b1", "/circles", BOB, Slow())


async def say(
    broker: MemoryBroker, *texts: str, channel: Channel = TEAM, kept: bool = True
) -> None:
    """Publish messages of a thousand bytes."""
    for text in texts:
        body = orjson.dumps({"type": "user_message", "data": {"content": text, "pad": "x" * 940}})
        await broker.publish(channel, Message("user_message", body, 0.0, isoformat(0), kept))


def stalled(member: Member) -> Slow:
    """Have a member take nothing for now; return its connection."""
    assert isinstance(member.connection, Slow)
    member.connection.unsent = 2000
    return member.connection


def numbers(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last)]


async def join(hub: Hub, member: Member, since: Position | None, limit: int | None) -> Recovery:
    async with hub.memberships.joining(member, TEAM, since, limit) as joined:
        return joined.recovery


async def test_what_an_answer_cannot_hold_follows_before_anything_newer(
    hub: Hub, broker: Fickle, fanout: RecordingFanOut, bob: Member
) -> None:
    await say(broker, *numbers(0, 20))
    async with hub.memberships.joining(bob, TEAM, None, 18) as joined:
        await say(broker, "20")  # while it joins
    recovery = joined.recovery
    assert texts_of(recovery.publications) == numbers(2, 5)
    assert (recovery.position.offset, recovery.following) == (5, 15)
    await say(broker, "21")
    await until(lambda: bob.sid in fanout.members[TEAM])
    await say(broker, "22")
    assert fanout.texts("b1") == numbers(5, 23)
    assert [one.offset for one in fanout.inbox["b1"]] == list(range(6, 24))


async def test_who_does_not_read_gets_no_more_and_nothing_is_held_for_it(
    hub: Hub, broker: Fickle, fanout: RecordingFanOut, bob: Member
) -> None:
    connection = stalled(bob)
    await say(broker, *numbers(0, 20))
    await join(hub, bob, Position(0, (await broker.recover(TEAM, None, None)).position.epoch), None)
    await say(broker, *numbers(20, 30))
    await say(broker, "not kept", kept=False)
    await asyncio.sleep(0)
    assert fanout.texts("b1") == ["not kept"]
    assert not hub.memberships._catch_up._buffer._buffers
    connection.unsent = 0
    await until(lambda: bob.sid in fanout.members[TEAM])
    assert fanout.texts("b1")[1:] == numbers(3, 30)
    assert broker.largest <= ANSWER_BYTES


async def test_what_is_trimmed_before_it_is_read_is_told(
    hub: Hub, broker: Fickle, fanout: RecordingFanOut, bob: Member
) -> None:
    await say(broker, *numbers(0, 20))
    connection = stalled(bob)
    await join(hub, bob, None, 20)
    await say(broker, *numbers(20, 130))
    connection.unsent = 0
    await until(lambda: bob.sid in fanout.members[TEAM])
    gap, *rest = fanout.inbox["b1"]
    assert gap.type == DISCONTINUITY
    assert orjson.loads(gap.body)["data"]["offset"] == 30
    assert texts_of(rest) == numbers(30, 130)


async def test_an_outage_of_the_broker_delays_it(
    hub: Hub, broker: Fickle, fanout: RecordingFanOut, bob: Member
) -> None:
    await say(broker, *numbers(0, 20))
    await join(hub, bob, None, 20)
    broker.up = False
    await until(lambda: TEAM in hub.memberships._catch_up)
    broker.up = True
    await until(lambda: bob.sid in fanout.members[TEAM])
    assert fanout.texts("b1") == numbers(3, 20)


async def test_who_leaves_or_is_gone_gets_no_more(
    hub: Hub, broker: Fickle, fanout: RecordingFanOut, bob: Member
) -> None:
    await say(broker, *numbers(0, 20))
    await join(hub, bob, None, 20)
    await hub.memberships.leave(bob, TEAM)
    assert TEAM not in hub.memberships._catch_up
    await join(hub, bob, None, 20)
    await hub.memberships.disconnect(bob)
    assert TEAM not in hub.memberships._catch_up
    await until(lambda: not hub.memberships._catch_up._behind)
    assert fanout.texts("b1") == []


async def test_who_joins_again_begins_anew(
    hub: Hub, broker: Fickle, fanout: RecordingFanOut, bob: Member
) -> None:
    connection = stalled(bob)
    await say(broker, *numbers(0, 20))
    await join(hub, bob, None, 20)
    await join(hub, bob, None, 2)
    await say(broker, "20")
    assert fanout.texts("b1") == ["20"]
    await join(hub, bob, None, 20)
    broker.up = False
    with pytest.raises(Unavailable):
        await join(hub, bob, None, 20)
    broker.up = True
    connection.unsent = 0
    await until(lambda: bob.sid in fanout.members[TEAM])
    assert fanout.texts("b1") == ["20", *numbers(4, 21)]


async def test_a_channel_stays_subscribed_while_somebody_catches_up(
    hub: Hub, broker: Fickle, fanout: RecordingFanOut, bob: Member
) -> None:
    connection = stalled(bob)
    await say(broker, *numbers(0, 20))
    await join(hub, bob, None, 20)
    other = new_member("o1", "/circles", BOB)
    await join(hub, other, None, None)
    await hub.memberships.leave(other, TEAM)
    assert await broker.channels("/circles") == [TEAM]
    connection.unsent = 0
    await until(lambda: bob.sid in fanout.members[TEAM])
    await say(broker, "20")
    assert fanout.texts("b1") == numbers(3, 21)


async def test_several_channels_are_sent_in_the_order_of_publishing(
    hub: Hub, broker: Fickle, fanout: RecordingFanOut, bob: Member
) -> None:
    connection = stalled(bob)
    for number in range(20):
        await say(broker, str(number), channel=OTHER if number % 3 else TEAM)
    for channel in (TEAM, OTHER):
        async with hub.memberships.joining(bob, channel, None, 1) as joined:
            assert joined.recovery.following == 0
    for channel in (TEAM, OTHER):
        async with hub.memberships.joining(bob, channel, None, 100) as joined:
            assert joined.recovery.following
    connection.unsent = 0
    await until(lambda: bob.sid in fanout.members[TEAM] and bob.sid in fanout.members[OTHER])
    sequences = [one.sequence for one in fanout.inbox["b1"]]
    assert sequences == sorted(sequences)


async def test_who_leaves_before_it_has_read_gets_no_more(
    hub: Hub, broker: Fickle, fanout: RecordingFanOut, bob: Member
) -> None:
    connection = stalled(bob)
    await say(broker, *numbers(0, 20))
    await join(hub, bob, None, 20)
    with capture_logs() as logs:
        await hub.memberships.leave(bob, TEAM)
        connection.unsent = 0
        await until(lambda: len(hub.memberships._catch_up._tasks) == 0)
    assert (fanout.texts("b1"), logs) == ([], [])


async def test_who_comes_back_is_not_taken_for_its_former_connection(
    hub: Hub, broker: Fickle, fanout: RecordingFanOut, bob: Member
) -> None:
    """It has the same session id, and the former one is waited for a little longer."""
    former = stalled(bob)
    await say(broker, *numbers(0, 20))
    await join(hub, bob, None, 20)
    former.close(Closing.TRANSPORT_CLOSE)
    await hub.memberships.disconnect(bob)
    again = new_member(bob.sid, "/circles", BOB, Slow())
    connection = stalled(again)
    await join(hub, again, None, 20)
    await until(lambda: bob not in hub.memberships._catch_up._behind)
    connection.unsent = 0
    await until(lambda: again in fanout.members[TEAM].values())
    await say(broker, "20")
    assert fanout.texts("b1") == numbers(3, 21)


async def test_whom_a_defect_would_make_deaf_is_disconnected(
    hub: Hub, broker: Fickle, bob: Member
) -> None:
    connection = stalled(bob)
    await say(broker, *numbers(0, 20))
    await join(hub, bob, None, 20)
    broker.defect = LookupError("odd")
    with capture_logs() as logs:
        connection.unsent = 0
        await until(lambda: connection.closed)
    assert connection.closings == [Closing.UNAVAILABLE]
    assert [line["event"] for line in logs] == ["could not read on for a member"]
    await until(lambda: not hub.memberships._catch_up._behind)
