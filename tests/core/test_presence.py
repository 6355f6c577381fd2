"""Who is in a channel, by identity."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from app.core.identity import Identity
from app.core.presence import Members, Presence
from tests.support.messages import somebody

ALICE, BOB = somebody("alice"), somebody("bob")
AGENT = somebody("alice", "agent")
IDENTITIES = [ALICE, BOB, AGENT]


def test_two_connections_of_one_identity_are_one_member() -> None:
    presence = Presence()
    assert presence.enter("a1", ALICE, now=1) is True
    assert presence.enter("a2", ALICE, now=2) is False
    assert len(presence) == 1
    assert presence.members().first[0].connections == 2


def test_the_last_connection_to_go_takes_the_member_with_it() -> None:
    presence = Presence()
    presence.enter("a1", ALICE, now=1)
    presence.enter("a2", ALICE, now=2)
    assert presence.exit("a1", ALICE) is False
    assert presence.exit("a2", ALICE) is True
    assert presence.members() == Members(0, [])


def test_entering_twice_counts_once() -> None:
    presence = Presence()
    presence.enter("a1", ALICE, now=1)
    assert presence.enter("a1", ALICE, now=2) is False
    assert presence.exit("a1", ALICE) is True


def test_who_is_not_here_does_not_leave() -> None:
    presence = Presence()
    presence.enter("a1", ALICE, now=1)
    assert presence.exit("a2", ALICE) is False
    assert presence.exit("b1", BOB) is False
    assert presence.exit("a1", AGENT) is False
    assert len(presence) == 1


def test_members_are_in_the_order_of_joining() -> None:
    presence = Presence()
    presence.enter("b1", BOB, now=1)
    presence.enter("a1", ALICE, now=2)
    presence.enter("b2", BOB, now=3)
    assert [one.identity for one in presence.members().first] == [BOB, ALICE]
    presence.exit("b1", BOB)
    presence.exit("b2", BOB)
    presence.enter("b3", BOB, now=4)
    assert [one.identity for one in presence.members().first] == [ALICE, BOB]


def test_a_member_as_the_wire_shows_it() -> None:
    presence = Presence()
    presence.enter("a1", AGENT, now=1_795_176_000)
    presence.enter("a2", AGENT, now=1_795_176_060)
    assert presence.members().first[0].to_dict() == {
        "id": "alice",
        "kind": "agent",
        "connections": 2,
        "joined_at": "2026-11-20T12:00:00.000Z",
    }


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), max_size=60))
def test_joins_and_leaves_balance(steps: list[tuple[bool, int]]) -> None:
    """As a plain set of connections has it: joins with the first, leaves with the last."""
    presence, connections = Presence(), set[int]()
    balance: defaultdict[Identity, int] = defaultdict(int)
    for entering, number in steps:
        identity = IDENTITIES[number % 3]
        if entering:
            balance[identity] += presence.enter(f"sid{number}", identity, now=0)
            connections.add(number)
        else:
            balance[identity] -= presence.exit(f"sid{number}", identity)
            connections.discard(number)
        present = {IDENTITIES[number % 3] for number in connections}
        assert {one.identity for one in presence.members().first} == present
        assert {identity for identity, count in balance.items() if count == 1} == present
        assert set(balance.values()) <= {0, 1}
    assert sum(one.connections for one in presence.members().first) == len(connections)


def test_the_first_of_many_are_listed() -> None:
    presence = Presence()
    for number, identity in enumerate(IDENTITIES):
        presence.enter(f"sid{number}", identity, now=number)
    members = presence.members(2)
    assert (members.count, [one.identity for one in members.first]) == (3, [ALICE, BOB])
