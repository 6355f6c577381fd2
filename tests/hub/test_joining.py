"""Joining: subscribe, buffer, read history, deliver the buffer: neither gap nor overlap.

docs/protocol.md, promise 3.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.broker.memory import MemoryBroker
from app.broker.record import discontinuity
from app.core.channel import BROADCAST_CHANNEL, Channel, user_channel
from app.core.errors import Forbidden, Unavailable
from app.core.history import HistoryOptions, Position, Recovery
from app.core.identity import Identity
from app.core.message import make_publication
from app.hub.draft import Draft
from app.hub.hub import Hub
from app.hub.joined import Joined
from app.hub.member import Member
from schemas.errors import SchemaError
from tests.support.hubs import RecordingBroker, new_hub, running_hub
from tests.support.members import RecordingFanOut, new_member
from tests.support.messages import OTHER, TEAM, message, somebody, texts_of

BOB = somebody("bob", "user", "circles:*:r")


def bob(sid: str = "b1") -> Member:
    return new_member(sid, "/circles", BOB)


async def say(hub: Hub, *texts: str, channel: Channel = TEAM) -> None:
    for text in texts:
        await hub.publish(Draft(channel, "user_message", {"content": text}))


async def join(hub: Hub, member: Member, since: Position | None = None) -> Joined:
    async with hub.memberships.joining(member, TEAM, since, None) as joined:
        return joined


async def test_what_is_published_while_joining_follows_in_order(
    hub: Hub, fanout: RecordingFanOut
) -> None:
    await say(hub, "a", "b")
    async with hub.memberships.joining(bob(), TEAM, None, 10) as joined:
        await say(hub, "c", "d")
        assert fanout.texts("b1") == []
        assert texts_of(joined.recovery.publications) == ["a", "b"]
    assert fanout.texts("b1") == ["c", "d"]
    await say(hub, "e")
    assert fanout.texts("b1") == ["c", "d", "e"]


async def test_history_may_be_lost_while_joining(hub: Hub, fanout: RecordingFanOut) -> None:
    """What follows the discontinuity counts anew, below the offsets that were recovered."""
    await say(hub, "a", "b", "c")
    async with hub.memberships.joining(bob(), TEAM, None, 10) as joined:
        hub.memberships.on_publication(TEAM, discontinuity(TEAM, Position(0, "e2"), 0.0))
        hub.memberships.on_publication(TEAM, make_publication(message("anew", 0.0), 1))
    assert texts_of(joined.recovery.publications) == ["a", "b", "c"]
    assert [one.type for one in fanout.inbox["b1"]] == ["discontinuity", "user_message"]
    assert orjson.loads(fanout.inbox["b1"][0].body)["data"] == {"epoch": "e2", "offset": 0}


async def test_the_server_lets_in_whom_it_wants(hub: Hub) -> None:
    stranger = new_member("s1", "/circles", somebody("eve", "user"))
    with pytest.raises(Forbidden):
        await join(hub, stranger)
    async with hub.memberships.joining(stranger, TEAM, None, None, trusted=True):
        pass
    assert stranger.channels == {TEAM}


async def test_what_history_does_not_keep_is_buffered_too(
    hub: Hub, fanout: RecordingFanOut
) -> None:
    async with hub.memberships.joining(bob(), TEAM, None, None):
        await hub.publish(Draft(TEAM, "typing", {"typing": True}))
    assert [one.type for one in fanout.inbox["b1"]] == ["typing"]


async def test_what_recovery_has_already_is_not_sent_again(fanout: RecordingFanOut) -> None:
    """Published after subscribing and before history is read: it arrives by both ways."""

    class Busy(MemoryBroker):
        async def recover(self, *arguments: Any, **options: Any) -> Recovery:
            await say(busy, "meanwhile")
            return await super().recover(*arguments, **options)

    async with (
        running_hub(fanout, Busy(HistoryOptions())) as busy,
        busy.memberships.joining(bob(), TEAM, None, 10) as joined,
    ):
        await say(busy, "after")
    assert texts_of(joined.recovery.publications) == ["meanwhile"]
    assert fanout.texts("b1") == ["after"]


@given(st.lists(st.sampled_from(["say", "join", "leave"]), max_size=20), st.integers(0, 3))
async def test_recovering_misses_nothing_and_repeats_nothing(steps: list[str], during: int) -> None:
    """A member that always comes back with its last position sees each message exactly once."""
    fanout, count, seen = RecordingFanOut(), 0, list[str]()
    async with running_hub(fanout) as hub:
        member = bob()
        async with hub.memberships.joining(member, TEAM, None, None) as joined:
            epoch = joined.recovery.position.epoch
        for step in [*steps, "leave", "join"]:
            if step == "say":
                await say(hub, str(count))
                count += 1
            elif step == "leave":
                await hub.memberships.leave(member, TEAM)
            else:
                seen += fanout.texts("b1")
                fanout.inbox.clear()
                since = Position(len(seen), epoch)
                async with hub.memberships.joining(member, TEAM, since, None) as joined:
                    assert joined.recovery.recovered
                    seen += texts_of(joined.recovery.publications)
                    for _ in range(during):
                        await say(hub, str(count))
                        count += 1
    assert seen + fanout.texts("b1") == [str(number) for number in range(count)]


async def test_joining_again_delivers_each_message_once(hub: Hub, fanout: RecordingFanOut) -> None:
    member = bob()
    await join(hub, member)
    async with hub.memberships.joining(member, TEAM, None, None):
        await say(hub, "a")
    await say(hub, "b")
    assert fanout.texts("b1") == ["a", "b"]
    assert (await hub.members(TEAM)).first[0].connections == 1


async def test_others_get_their_messages_while_one_joins(hub: Hub, fanout: RecordingFanOut) -> None:
    await join(hub, bob("b1"))
    async with (
        hub.memberships.joining(bob("b2"), TEAM, None, None),
        hub.memberships.joining(bob("b3"), TEAM, None, None),
    ):
        await say(hub, "a")
        assert [fanout.texts(sid) for sid in ("b1", "b2", "b3")] == [["a"], [], []]
    assert [fanout.texts(sid) for sid in ("b1", "b2", "b3")] == [["a"], ["a"], ["a"]]


async def test_what_another_channel_gets_is_not_buffered(hub: Hub, fanout: RecordingFanOut) -> None:
    member = bob()
    await join(hub, member)
    async with hub.memberships.joining(member, OTHER, None, None):
        await say(hub, "a")
        assert fanout.texts("b1") == ["a"]
    assert fanout.texts("b1") == ["a"]


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        (Channel("/feeds", "codeworm:logs"), Forbidden),
        (user_channel("alice"), Forbidden),
        (Channel("/circles", "a\n"), SchemaError),
        (Channel("/other", "a"), SchemaError),
    ],
)
async def test_who_may_not_join_changes_nothing(
    hub: Hub, broker: RecordingBroker, channel: Channel, error: type[Exception]
) -> None:
    member = bob()
    with pytest.raises(error):
        async with hub.memberships.joining(member, channel, None, None):
            pass
    assert member.channels == set()
    assert broker.subscribed == set()


async def test_what_can_not_be_joined_again_stays_joined(fanout: RecordingFanOut) -> None:
    class Fickle(MemoryBroker):
        up = True

        async def recover(self, *arguments: Any, **options: Any) -> Recovery:
            if not self.up:
                raise Unavailable
            return await super().recover(*arguments, **options)

    broker, member = Fickle(HistoryOptions()), bob()
    async with running_hub(fanout, broker) as hub:
        await join(hub, member)
        broker.up = False
        with pytest.raises(Unavailable):
            await join(hub, member)
        await say(hub, "a")
        assert fanout.texts("b1") == ["a"]


async def test_who_joins_sees_itself_among_the_members(hub: Hub) -> None:
    joined = await join(hub, bob())
    assert joined.members is not None
    assert [one.identity.id for one in joined.members.first] == ["bob"]


async def test_who_may_not_see_members_is_told_none(hub: Hub) -> None:
    member = new_member("b1", "/notifications", BOB)
    async with hub.memberships.joining(member, BROADCAST_CHANNEL, None, None) as joined:
        assert joined.members is None


class Greeter:
    """Greets whoever joins."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def members_changed(self, channel: Channel, identity: Identity, joined: bool) -> None:
        await say(self._hub, "hello", channel=channel)


async def test_listeners_are_notified_once_the_member_would_get_their_message(
    fanout: RecordingFanOut,
) -> None:
    hub = new_hub(fanout)
    await hub.memberships.start(Greeter(hub))
    await join(hub, bob())
    assert fanout.texts("b1") == ["hello"]
    await hub.memberships.close()
