"""Leaving, being gone, and who is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from app.broker.memory import MemoryBroker
from app.core.channel import Channel
from app.core.errors import Forbidden, Unavailable
from app.core.identity import Identity
from app.hub import membership
from app.hub.draft import Draft
from app.hub.hub import Hub
from app.hub.membership import Member
from schemas.catalogue import standard_registry
from tests.support.clock import SettableClock
from tests.support.fanout import RecordingFanOut
from tests.support.messages import OTHER, TEAM, somebody

BOB = somebody("bob", "user", "circles:*:r")


@pytest.fixture
def fanout() -> RecordingFanOut:
    return RecordingFanOut()


@pytest.fixture
def hub(fanout: RecordingFanOut) -> Hub:
    clock = SettableClock()
    return Hub(MemoryBroker(100, 3600, clock), fanout, standard_registry(), clock)


async def join(hub: Hub, sid: str, identity: Identity) -> Member:
    member = Member(sid, TEAM.namespace, identity)
    async with hub.joining(member, TEAM, None, None):
        pass
    return member


def record_changes(hub: Hub) -> list[tuple[Channel, str, bool]]:
    changes: list[tuple[Channel, str, bool]] = []

    async def note(channel: Channel, identity: Identity, joined: bool) -> None:
        changes.append((channel, identity.id, joined))

    hub.members_changed.append(note)
    return changes


async def test_leaving_ends_delivery_and_membership(hub: Hub, fanout: RecordingFanOut) -> None:
    member = await join(hub, "b1", BOB)
    await hub.leave(member, TEAM)
    await hub.publish(Draft(TEAM, "user_message", {"content": "Hello"}))
    assert fanout.texts("b1") == []
    assert member.channels == set()
    assert (await hub.members(TEAM)).count == 0


async def test_leaving_twice_or_what_was_never_joined_does_nothing(hub: Hub) -> None:
    changes = record_changes(hub)
    member = await join(hub, "b1", BOB)
    await hub.leave(member, OTHER)
    await hub.leave(member, TEAM)
    await hub.leave(member, TEAM)
    assert changes == [(TEAM, "bob", True), (TEAM, "bob", False)]


async def test_a_connection_that_is_gone_has_left_everything(
    hub: Hub, fanout: RecordingFanOut
) -> None:
    member = await join(hub, "b1", BOB)
    async with hub.joining(member, OTHER, None, None):
        pass
    await hub.disconnect(member)
    assert member.channels == set()
    assert not fanout.has_members(TEAM)
    assert not fanout.has_members(OTHER)
    assert [(await hub.members(channel)).count for channel in (TEAM, OTHER)] == [0, 0]


async def test_listeners_hear_of_identities_not_of_connections(hub: Hub) -> None:
    changes = record_changes(hub)
    first, second = await join(hub, "b1", BOB), await join(hub, "b2", BOB)
    await hub.disconnect(first)
    await hub.disconnect(second)
    assert changes == [(TEAM, "bob", True), (TEAM, "bob", False)]


async def test_a_listener_that_can_not_reach_the_broker_spoils_nothing(hub: Hub) -> None:
    async def fail(*_: Any) -> None:
        raise Unavailable

    hub.members_changed.append(fail)
    changes = record_changes(hub)
    await join(hub, "b1", BOB)
    assert changes == [(TEAM, "bob", True)]


async def test_a_connection_joins_so_many_channels_until_it_leaves_one(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "MOST_CHANNELS", 2)
    member = await join(hub, "b1", BOB)
    async with hub.joining(member, OTHER, None, None):
        pass
    third = Channel("/circles", "third")
    with pytest.raises(Forbidden, match="at most 2"):
        async with hub.joining(member, third, None, None):
            pass
    async with hub.joining(member, TEAM, None, None):  # again
        pass
    await hub.leave(member, OTHER)
    async with hub.joining(member, third, None, None):
        pass
    assert member.channels == {TEAM, third}
