"""What every session store promises."""

from __future__ import annotations

import asyncio

import pytest

from app.broker.contract import SessionStore
from app.core.history import Position
from app.core.session import Session

CLAIMANT = "/circles user:alice"


def new_session(owner: str = "first", pid: str = "p" * 32) -> Session:
    """Return a session of Alice's that is in one channel."""
    session = Session(pid, owner, "sid~", "/circles", "alice", CLAIMANT)
    session.enter("dev-team", Position(4, "e1"), trusted=True)
    return session


class SessionStoreContract:
    """Tests of one implementation, which `store` returns."""

    @pytest.fixture
    async def store(self) -> SessionStore:
        raise NotImplementedError

    async def test_a_session_is_claimed_by_whom_it_belongs_to(self, store: SessionStore) -> None:
        session = new_session()
        assert await store.save(session, 60)
        assert await store.claim(session.pid, "second", "/circles user:eve", 60) is None
        assert await store.claim("q" * 32, "second", CLAIMANT, 60) is None
        claimed = await store.claim(session.pid, "second", CLAIMANT, 60)
        assert claimed is not None
        assert (claimed.owner, claimed.sid) == ("second", "sid~")
        assert claimed.channels() == session.channels()

    async def test_who_has_lost_it_changes_nothing_any_more(self, store: SessionStore) -> None:
        session = new_session()
        await store.save(session, 60)
        claimed = await store.claim(session.pid, "second", CLAIMANT, 60)
        assert claimed is not None
        session.leave("dev-team")
        assert not await store.save(session, 60)
        await store.forget(session, 60)
        again = await store.claim(session.pid, "third", CLAIMANT, 60)
        assert again is not None
        assert list(again.cursors) == ["dev-team"]
        assert not await store.save(claimed, 60)

    async def test_what_is_forgotten_is_gone(self, store: SessionStore) -> None:
        session = new_session()
        await store.save(session, 60)
        await store.forget(session, 60)
        await store.forget(session, 60)
        assert await store.claim(session.pid, "second", CLAIMANT, 60) is None

    async def test_what_is_over_is_not_saved_again_by_who_had_it_before(
        self, store: SessionStore
    ) -> None:
        """A half-open connection in another process, say, which hasn't noticed."""
        ghost = new_session()
        await store.save(ghost, 60)
        claimed = await store.claim(ghost.pid, "second", CLAIMANT, 60)
        assert claimed is not None
        await store.forget(claimed, 60)
        assert not await store.save(ghost, 60)
        assert await store.claim(ghost.pid, "third", CLAIMANT, 60) is None

    async def test_a_session_that_has_run_out_can_be_anybodys(self, store: SessionStore) -> None:
        await store.save(new_session(), 0.05)
        other = new_session(owner="second")
        async with asyncio.timeout(30):
            while not await store.save(other, 60):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
        assert not await store.save(new_session(), 60)
