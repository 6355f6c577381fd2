"""Publishing and reading. Joining and leaving are in `test_joining` and `test_leaving`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from app.broker.memory import MemoryBroker
from app.broker.memory_presence import MemoryPresence
from app.core.channel import BROADCAST_CHANNEL, Channel, user_channel
from app.core.errors import Forbidden, Unavailable
from app.core.history import HistoryOptions
from app.core.identity import Identity
from app.core.message import Publication, Receipt
from app.hub.draft import Draft
from app.hub.hub import Hub
from app.hub.member import Member
from schemas.errors import SchemaError
from tests.support.clock import SettableClock
from tests.support.hubs import new_hub, running_hub
from tests.support.members import RecordingFanOut, new_member
from tests.support.messages import OTHER, TEAM, somebody

ALICE, BOB = somebody("alice", "user", "circles:*:rw"), somebody("bob", "user", "circles:*:r")
SERVICE = somebody("ci", "service", "*:*:rw")


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(1_795_176_000)


@pytest.fixture
async def hub(clock: SettableClock, fanout: RecordingFanOut) -> AsyncIterator[Hub]:
    async with running_hub(fanout, clock=clock) as hub:
        yield hub


def says(text: str, channel: Channel = TEAM, **further: Any) -> Draft:
    return Draft(channel, "user_message", {"content": text}, **further)


async def join(hub: Hub, sid: str, identity: Identity, channel: Channel = TEAM) -> Member:
    member = new_member(sid, channel.namespace, identity)
    async with hub.memberships.joining(member, channel, None, None):
        pass
    return member


async def publish_as(hub: Hub, identity: Identity, draft: Draft) -> Receipt:
    receipt = hub.publish_as(identity, draft)
    return receipt if isinstance(receipt, Receipt) else await receipt


async def test_a_published_message_is_an_envelope(hub: Hub, fanout: RecordingFanOut) -> None:
    await join(hub, "b1", BOB)
    draft = says("Hello", sender=ALICE.to_dict(), action="created", nonce="c1f0")
    receipt = await publish_as(hub, ALICE, draft)
    (publication,) = fanout.inbox["b1"]
    assert publication.offset == receipt.offset
    assert orjson.loads(publication.body) == {
        "type": "user_message",
        "channel": "dev-team",
        "data": {"content": "Hello"},
        "timestamp": "2026-11-20T12:00:00.000Z",
        "action": "created",
        "sender": {"id": "alice", "kind": "user"},
        "nonce": "c1f0",
        "offset": 1,
    }


async def newest(hub: Hub) -> Publication:
    """Return the newest message of the team."""
    (publication,) = (await hub.history(SERVICE, TEAM, None, 1)).publications
    return publication


async def test_what_does_not_apply_is_left_out(hub: Hub) -> None:
    await hub.publish(says("Hello"))
    assert orjson.loads((await newest(hub)).body).keys() == {
        *("type", "channel", "data", "timestamp", "offset")
    }


async def test_further_keys_of_the_data_reach_members(hub: Hub) -> None:
    data = {"content": "Hello", "further": {"a": [1, None]}, "a.b": 1}
    await hub.publish(Draft(TEAM, "user_message", data))
    assert orjson.loads((await newest(hub)).body)["data"] == data


async def test_the_timestamp_is_that_of_publishing(hub: Hub, clock: SettableClock) -> None:
    clock.advance(1.5)
    receipt = await hub.publish(says("Hello"))
    publication = await newest(hub)
    assert orjson.loads(publication.body)["timestamp"] == "2026-11-20T12:00:01.500Z"
    assert receipt.timestamp == "2026-11-20T12:00:01.500Z"
    assert publication.published_at == clock()


async def test_a_type_that_is_not_kept_has_no_offset(hub: Hub, fanout: RecordingFanOut) -> None:
    await join(hub, "b1", BOB)
    receipt = await publish_as(hub, ALICE, Draft(TEAM, "typing", {"typing": True}))
    assert receipt.offset is None
    assert [one.type for one in fanout.inbox["b1"]] == ["typing"]
    assert (await hub.history(BOB, TEAM, None, 10)).publications == []


async def test_a_message_reaches_the_members_of_its_channel_only(
    hub: Hub, fanout: RecordingFanOut
) -> None:
    await join(hub, "a1", ALICE)
    await join(hub, "b1", BOB, OTHER)
    await publish_as(hub, ALICE, says("Hello"))
    assert (fanout.texts("a1"), fanout.texts("b1")) == (["Hello"], [])


async def test_one_need_not_have_joined_to_publish(hub: Hub, fanout: RecordingFanOut) -> None:
    await join(hub, "b1", BOB)
    await publish_as(hub, ALICE, says("Hello"))
    assert fanout.texts("b1") == ["Hello"]


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (Draft(TEAM, "nonsense", {}), "type"),
        (Draft(TEAM, "chat_message", {"content": "Hello"}), "type"),
        (Draft(Channel("/circles", "a b "), "user_message", {"content": "Hello"}), "channel"),
        (Draft(Channel("/circles", "a\n"), "user_message", {"content": "Hello"}), "channel"),
        (Draft(Channel("/circles", "x" * 256), "user_message", {"content": "Hello"}), "channel"),
        (Draft(Channel("/other", "a"), "user_message", {"content": "Hello"}), "namespace"),
        (Draft(TEAM, "user_message", {}), "data.content"),
    ],
)
async def test_what_no_schema_takes_is_not_published(
    hub: Hub, fanout: RecordingFanOut, draft: Draft, field: str
) -> None:
    await join(hub, "b1", BOB)
    with pytest.raises(SchemaError) as caught:
        await hub.publish(draft)
    assert list(caught.value.fields) == [field]
    assert fanout.inbox["b1"] == []
    assert (await hub.history(BOB, TEAM, None, 10)).position.offset == 0


@pytest.mark.parametrize(
    ("identity", "draft"),
    [
        (BOB, says("Hello")),
        (somebody("alice"), says("Hello")),
        (SERVICE, says("Hello")),
        (ALICE, Draft(TEAM, "agent_message", {"agent_id": 7, "content": "Hello"})),
        (somebody("a", "agent", "*:*:rw"), Draft(TEAM, "agent_joined", {"agent_id": 7})),
        (ALICE, Draft(user_channel("alice"), "notification", {"title": "a", "message": "b"})),
    ],
)
async def test_who_may_not_publish_is_refused(hub: Hub, identity: Identity, draft: Draft) -> None:
    with pytest.raises(Forbidden):
        await publish_as(hub, identity, draft)
    page = await hub.history(SERVICE, draft.channel, None, 10)
    assert page.position.offset == 0


async def test_workers_and_the_server_need_no_grant(hub: Hub) -> None:
    receipt = await hub.publish(Draft(TEAM, "agent_joined", {"agent_id": 7}))
    assert receipt.offset == 1


async def test_a_repeated_nonce_is_published_once(hub: Hub, fanout: RecordingFanOut) -> None:
    await join(hub, "b1", BOB)
    draft = says("Hello", sender=ALICE.to_dict(), nonce="n1")
    first, again = await publish_as(hub, ALICE, draft), await publish_as(hub, ALICE, draft)
    assert again == replace(first, duplicate=True)
    assert fanout.texts("b1") == ["Hello"]


@pytest.mark.parametrize(
    "other",
    [
        says("Hi", sender={"id": "bob", "kind": "user"}, nonce="n1"),
        says("Hi", sender={"id": "alice", "kind": "agent"}, nonce="n1"),
        says("Hi", nonce="n1"),
        says("Hi", OTHER, sender={"id": "alice", "kind": "user"}, nonce="n1"),
        says("Hi", sender={"id": "alice", "kind": "user"}, nonce="n2"),
        says("Hi", sender={"id": "alice", "kind": "user"}),
    ],
)
async def test_a_nonce_is_of_one_identity_in_one_channel(hub: Hub, other: Draft) -> None:
    await hub.publish(says("Hello", sender={"id": "alice", "kind": "user"}, nonce="n1"))
    assert (await hub.publish(other)).duplicate is False


async def test_an_id_with_a_space_lends_its_end_to_no_nonce(hub: Hub) -> None:
    await hub.publish(says("Hello", sender={"id": "ann a", "kind": "user"}, nonce="b"))
    receipt = await hub.publish(says("Hi", sender={"id": "ann", "kind": "user"}, nonce="a b"))
    assert receipt.duplicate is False


async def test_a_broker_that_can_not_be_reached_is_an_error_to_the_publisher(
    fanout: RecordingFanOut,
) -> None:
    class Gone(MemoryBroker):
        async def publish_all(self, *_: Any) -> Any:
            raise Unavailable

    hub = new_hub(fanout, Gone(HistoryOptions()))
    with pytest.raises(Unavailable):
        await hub.publish(says("Hello"))
    assert hub.counters.published == {}


@pytest.mark.parametrize("verb", ["history", "presence"])
async def test_reading_takes_a_grant(hub: Hub, verb: str) -> None:
    stranger = somebody("eve", "user", "circles:other:r", "circles:dev-team:w")
    reading = (
        hub.history(stranger, TEAM, None, 10) if verb == "history" else hub.presence(stranger, TEAM)
    )
    with pytest.raises(Forbidden):
        await reading


async def test_everybody_reads_broadcast_and_few_see_who_does(hub: Hub) -> None:
    await hub.history(BOB, BROADCAST_CHANNEL, None, 10)
    with pytest.raises(Forbidden):
        await hub.presence(BOB, BROADCAST_CHANNEL)
    assert (await hub.presence(SERVICE, BROADCAST_CHANNEL)).count == 0


async def test_presence_is_told_by_identity(hub: Hub) -> None:
    for sid, identity in (("b1", BOB), ("a1", ALICE), ("b2", BOB)):
        await join(hub, sid, identity)
    members = await hub.presence(BOB, TEAM)
    assert members.count == 2
    assert [(one.identity.id, one.connections) for one in members.first] == [
        *(("bob", 2), ("alice", 1))
    ]


async def test_history_is_paged(hub: Hub) -> None:
    for text in "abc":
        await hub.publish(says(text))
    page = await hub.history(BOB, TEAM, before=3, limit=1)
    assert [one.offset for one in page.publications] == [2]
    assert (page.more, page.position.offset) == (True, 3)


@pytest.mark.parametrize("name", ["a\n", "", "x" * 1025])
async def test_reading_takes_the_name_of_a_channel(hub: Hub, name: str) -> None:
    channel = Channel("/circles", name)
    with pytest.raises(SchemaError):
        await hub.history(SERVICE, channel, None, 10)
    with pytest.raises(SchemaError):
        await hub.presence(SERVICE, channel)


async def test_channels_are_those_with_members(hub: Hub) -> None:
    member = await join(hub, "b1", BOB)
    assert await hub.channels("/circles") == [TEAM]
    assert await hub.channels("/feeds") == []
    await hub.memberships.leave(member, TEAM)
    assert await hub.channels("/circles") == []


class FickleBroker(MemoryBroker):
    ready = True


class FicklePresence(MemoryPresence):
    ready = True


async def test_the_hub_is_ready_when_all_that_it_stands_on_is(fanout: RecordingFanOut) -> None:
    broker, presence = FickleBroker(HistoryOptions()), FicklePresence()
    hub = new_hub(fanout, broker, presence)
    assert hub.ready is True
    broker.ready = False
    assert hub.ready is False
    broker.ready, presence.ready = True, False
    assert hub.ready is False
