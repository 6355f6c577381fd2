"""What every presence store promises."""

from __future__ import annotations

import pytest

from app.broker.contract import PresenceStore
from tests.support.clock import SettableClock
from tests.support.messages import OTHER, TEAM, somebody

ALICE, BOB = somebody("alice"), somebody("bob")


class PresenceContract:
    """Tests of one implementation: `store` returns one that is started, and whose time is
    `clock`'s."""

    @pytest.fixture
    def clock(self) -> SettableClock:
        return SettableClock()

    @pytest.fixture
    async def store(self, clock: SettableClock) -> PresenceStore:
        raise NotImplementedError

    async def test_identities_join_with_their_first_connection_and_leave_with_their_last(
        self, store: PresenceStore
    ) -> None:
        assert await store.enter(TEAM, "a1", ALICE) is True
        assert await store.enter(TEAM, "a2", ALICE) is False
        assert await store.enter(OTHER, "a1", ALICE) is True
        assert await store.exit(TEAM, "a1", ALICE) is False
        assert await store.exit(TEAM, "a2", ALICE) is True
        assert await store.exit(TEAM, "a2", ALICE) is False
        assert (await store.members(TEAM)).count == 0
        assert [one.identity.id for one in (await store.members(OTHER)).first] == ["alice"]

    async def test_who_enters_again_is_still_one_connection(self, store: PresenceStore) -> None:
        for _time in range(2):
            await store.enter(TEAM, "a1", ALICE)
        assert [one.connections for one in (await store.members(TEAM)).first] == [1]
        assert await store.exit(TEAM, "a1", ALICE) is True

    async def test_who_never_entered_does_not_leave(self, store: PresenceStore) -> None:
        assert await store.exit(TEAM, "a1", ALICE) is False
        await store.enter(TEAM, "b1", BOB)
        assert await store.exit(TEAM, "a1", ALICE) is False
        assert (await store.members(TEAM)).count == 1

    async def test_members_in_the_order_of_joining(
        self, store: PresenceStore, clock: SettableClock
    ) -> None:
        await store.enter(TEAM, "b1", BOB)
        joined_at = clock()
        clock.advance(5)
        await store.enter(TEAM, "a1", ALICE)
        await store.enter(TEAM, "b2", BOB)
        members = await store.members(TEAM)
        assert [one.identity.id for one in members.first] == ["bob", "alice"]
        assert [one.to_dict()["connections"] for one in members.first] == [2, 1]
        assert [one.joined_at for one in members.first] == [joined_at, joined_at + 5]

    @pytest.mark.parametrize(("limit", "listed"), [(None, 3), (2, 2), (0, 0)])
    async def test_members_are_counted_beyond_the_limit(
        self, store: PresenceStore, clock: SettableClock, limit: int | None, listed: int
    ) -> None:
        names = ["u0", "u1", "u2"]
        for name in names:
            await store.enter(TEAM, name, somebody(name))
            clock.advance(1)
        members = await store.members(TEAM, limit)
        assert members.count == 3
        assert [one.identity.id for one in members.first] == names[:listed]

    async def test_nobody_is_in_a_channel_that_nobody_entered(self, store: PresenceStore) -> None:
        members = await store.members(TEAM)
        assert (members.count, members.first) == (0, [])
