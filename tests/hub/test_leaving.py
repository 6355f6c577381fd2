"""Leaving and disconnecting, and who is notified."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.identity import Identity
from app.hub.draft import Draft
from app.hub.hub import Hub
from app.hub.member import Member
from tests.support.hubs import running_hub
from tests.support.members import RecordingFanOut, new_member
from tests.support.messages import OTHER, TEAM, somebody

BOB = somebody("bob", "user", "circles:*:r")


class Changes:
    """Remembers who joined and left."""

    def __init__(self) -> None:
        self.seen: list[tuple[Channel, str, bool]] = []

    async def members_changed(self, channel: Channel, identity: Identity, joined: bool) -> None:
        self.seen.append((channel, identity.id, joined))


class Fails:
    """A listener that can't reach the broker."""

    async def members_changed(self, *_: Any) -> None:
        raise Unavailable


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
async def hub(fanout: RecordingFanOut, changes: Changes) -> AsyncIterator[Hub]:
    async with running_hub(fanout, listeners=[changes]) as hub:
        yield hub


async def join(hub: Hub, sid: str, identity: Identity) -> Member:
    member = new_member(sid, TEAM.namespace, identity)
    async with hub.memberships.joining(member, TEAM, None, None):
        pass
    return member


async def test_leaving_ends_delivery_and_membership(hub: Hub, fanout: RecordingFanOut) -> None:
    member = await join(hub, "b1", BOB)
    await hub.memberships.leave(member, TEAM)
    await hub.publish(Draft(TEAM, "user_message", {"content": "Hello"}))
    assert fanout.texts("b1") == []
    assert member.channels == set()
    assert (await hub.members(TEAM)).count == 0


async def test_leaving_twice_or_what_was_never_joined_does_nothing(
    hub: Hub, changes: Changes
) -> None:
    member = await join(hub, "b1", BOB)
    await hub.memberships.leave(member, OTHER)
    await hub.memberships.leave(member, TEAM)
    await hub.memberships.leave(member, TEAM)
    assert changes.seen == [(TEAM, "bob", True), (TEAM, "bob", False)]


async def test_a_connection_that_is_gone_has_left_everything(
    hub: Hub, fanout: RecordingFanOut
) -> None:
    member = await join(hub, "b1", BOB)
    async with hub.memberships.joining(member, OTHER, None, None):
        pass
    await hub.memberships.disconnect(member)
    assert member.channels == set()
    assert TEAM not in fanout
    assert OTHER not in fanout
    assert [(await hub.members(channel)).count for channel in (TEAM, OTHER)] == [0, 0]


async def test_listeners_are_notified_of_identities_not_of_connections(
    hub: Hub, changes: Changes
) -> None:
    first, second = await join(hub, "b1", BOB), await join(hub, "b2", BOB)
    await hub.memberships.disconnect(first)
    await hub.memberships.disconnect(second)
    assert changes.seen == [(TEAM, "bob", True), (TEAM, "bob", False)]


async def test_a_listener_that_can_not_reach_the_broker_spoils_nothing(
    fanout: RecordingFanOut, changes: Changes
) -> None:
    async with running_hub(fanout, listeners=[Fails(), changes]) as hub:
        await join(hub, "b1", BOB)
    assert changes.seen == [(TEAM, "bob", True)]


async def test_leaving_thousands_of_channels_leaves_others_their_turns(hub: Hub) -> None:
    member, turns = new_member("bob~", TEAM.namespace, BOB), 0
    for number in range(1000):
        await hub.memberships.enter(member, Channel("/circles", f"circle {number}"))
    leaving = asyncio.create_task(hub.memberships.disconnect(member))
    while not leaving.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
    assert not member.channels
