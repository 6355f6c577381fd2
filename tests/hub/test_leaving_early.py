"""Leaving a channel that is still being joined, and the end of its subscription."""

from __future__ import annotations

from app.core.channel import Channel
from app.hub.draft import Draft
from app.hub.hub import Hub
from app.hub.member import Member
from tests.support.hubs import RecordingBroker, running_hub
from tests.support.members import RecordingFanOut, new_member
from tests.support.messages import TEAM, somebody

BOB = somebody("bob", "user", "circles:*:r")


def bob(sid: str = "b1") -> Member:
    return new_member(sid, "/circles", BOB)


async def say(hub: Hub, text: str) -> None:
    await hub.publish(Draft(TEAM, "user_message", {"content": text}))


async def join(hub: Hub, member: Member) -> None:
    async with hub.memberships.joining(member, TEAM, None, None):
        pass


async def test_leaving_while_joining_is_leaving(hub: Hub, fanout: RecordingFanOut) -> None:
    member = bob()
    async with hub.memberships.joining(member, TEAM, None, None):
        await say(hub, "a")
        await hub.memberships.leave(member, TEAM)
    await say(hub, "b")
    assert fanout.texts("b1") == []
    assert member.channels == set()
    assert (await hub.members(TEAM)).count == 0


async def test_being_gone_while_joining_leaves_nobody_behind(
    hub: Hub, fanout: RecordingFanOut
) -> None:
    member = bob()
    async with hub.memberships.joining(member, TEAM, None, None):
        await say(hub, "a")
        await hub.memberships.disconnect(member)
    await say(hub, "b")
    assert fanout.texts("b1") == []
    assert (await hub.members(TEAM)).count == 0
    assert TEAM not in fanout


async def test_being_gone_before_the_broker_answers_leaves_nobody_behind(
    fanout: RecordingFanOut,
) -> None:
    member = bob()

    class Slow(RecordingBroker):
        async def subscribe(self, channel: Channel) -> None:
            await super().subscribe(channel)
            await slow.memberships.disconnect(member)

    broker = Slow()
    async with running_hub(fanout, broker) as slow:
        async with slow.memberships.joining(member, TEAM, None, None):
            await say(slow, "a")
        assert fanout.texts("b1") == []
        assert (await slow.members(TEAM)).count == 0
    assert TEAM not in fanout
    assert broker.subscribed == set()


async def test_the_last_to_leave_ends_the_subscription(hub: Hub, broker: RecordingBroker) -> None:
    one, other = bob("b1"), bob("b2")
    assert broker.subscribed == set()
    await join(hub, one)
    await join(hub, other)
    await hub.memberships.leave(one, TEAM)
    assert broker.subscribed == {TEAM}
    await hub.memberships.disconnect(other)
    assert broker.subscribed == set()


async def test_leaving_while_another_joins_keeps_the_subscription(
    hub: Hub, broker: RecordingBroker, fanout: RecordingFanOut
) -> None:
    one, other = bob("b1"), bob("b2")
    await join(hub, one)
    async with hub.memberships.joining(other, TEAM, None, None):
        await hub.memberships.leave(one, TEAM)
        await say(hub, "a")
    assert broker.subscribed == {TEAM}
    assert fanout.texts("b2") == ["a"]
