"""The fan-out: everybody in a channel gets what is delivered, each in the form of its protocol."""

from __future__ import annotations

import pytest

from app.core.channel import Channel
from app.core.counters import Counters
from app.core.identity import Identity
from app.core.message import Publication
from app.hub.fanout import FanOut
from app.hub.member import Member
from app.transport.frames import TEXT, encode
from app.transport.room import Encoding
from tests.support.transport import RecordingConnection
from tests.support.turns import until_flushed

CHANNEL = Channel("/circles", "dev-team")
OTHER = Channel("/circles", "ops")


class Marked(Encoding):
    """The body behind a mark."""

    def __init__(self, mark: str) -> None:
        self.made = 0
        self._mark = mark.encode()

    def encode(self, channel: Channel, publication: Publication) -> bytes:
        self.made += 1
        return encode(TEXT, self._mark + publication.body)


STARS, PLUSES = Marked("*"), Marked("+")


def new_member(sid: str, encoding: Encoding) -> Member:
    identity = Identity(sid, "user")
    return Member(sid, "/circles", identity, RecordingConnection(sid), encoding)


def got(member: Member) -> list[str]:
    assert isinstance(member.connection, RecordingConnection)
    return member.connection.got


def publication(text: str) -> Publication:
    return Publication(1, "user_message", text.encode(), 0.0)


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def fanout(counters: Counters) -> FanOut:
    return FanOut(counters)


async def test_each_gets_it_in_its_own_encoding_made_once(
    fanout: FanOut, counters: Counters
) -> None:
    stars, pluses = Marked("*"), Marked("+")
    members = [new_member(sid, stars) for sid in "ab"] + [new_member("c", pluses)]
    for member in members:
        fanout.enter(member, CHANNEL)
    fanout.enter(new_member("d", stars), OTHER)
    fanout.deliver(CHANNEL, publication("1"))
    fanout.deliver(Channel("/circles", "nobody's"), publication("2"))
    await until_flushed()
    assert [got(member) for member in members] == [["*1"], ["*1"], ["+1"]]
    assert (stars.made, pluses.made, counters.delivered) == (1, 1, 3)


async def test_who_left_gets_nothing_more_and_the_last_leaves_no_room(fanout: FanOut) -> None:
    a, b = new_member("a", STARS), new_member("b", PLUSES)
    for member in (a, b):
        fanout.enter(member, CHANNEL)
    fanout.leave(a, OTHER)
    fanout.deliver(CHANNEL, publication("1"))
    fanout.leave(a, CHANNEL)
    fanout.leave(a, CHANNEL)
    fanout.deliver(CHANNEL, publication("2"))
    await until_flushed()
    assert (got(a), got(b)) == (["*1"], ["+1", "+2"])
    assert CHANNEL in fanout
    fanout.leave(b, CHANNEL)
    assert CHANNEL not in fanout


def test_one_member_alone_can_be_sent_something(fanout: FanOut) -> None:
    a, b = new_member("a", STARS), new_member("b", STARS)
    fanout.enter(b, CHANNEL)
    fanout.send(a, CHANNEL, publication("1"))  # it needn't be a member yet
    assert (got(a), got(b)) == (["*1"], [])


async def test_whoever_asks_for_members_writes_behind_what_was_delivered(fanout: FanOut) -> None:
    a, b = new_member("a", STARS), new_member("b", PLUSES)
    for member in (a, b):
        fanout.enter(member, CHANNEL)
    fanout.deliver(CHANNEL, publication("1"))
    assert list(fanout.sids(CHANNEL)) == ["a", "b"]
    assert (got(a), got(b)) == (["*1"], ["+1"])
    assert list(fanout.sids(OTHER)) == []
