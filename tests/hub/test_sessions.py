"""Sessions begin, are claimed, renewed and ended, whatever becomes of their store."""

from __future__ import annotations

import asyncio

import pytest

from app.broker.memory_sessions import MemorySessions
from app.core.errors import Unavailable
from app.core.identity import Identity
from app.core.session import Session
from app.hub.sessions import Sessions
from tests.support.ready import until

ALICE = Identity("alice", "user")


def ignore(_session: Session) -> None: ...


class Fickle(MemorySessions):
    """A store that can't be reached now and then."""

    def __init__(self, *, gone: bool = False) -> None:
        super().__init__()
        self.gone = gone
        self.breaks = False
        self.forgotten = 0

    async def save(self, session: Session, seconds: float) -> bool:
        if self.gone:
            raise Unavailable
        return await super().save(session, seconds)

    async def forget(self, session: Session, seconds: float) -> None:
        if self.gone:
            raise Unavailable
        self.forgotten += 1
        if self.breaks:
            raise RuntimeError("by the test")
        await super().forget(session, seconds)


async def test_a_session_begins_and_ends_without_its_store() -> None:
    sessions = Sessions(Fickle(gone=True), 60)
    session = await sessions.begin("sid~", "/circles", ALICE)
    with pytest.raises(Unavailable):
        await sessions.save(session)
    await sessions.end(session)


async def test_whoever_has_lost_it_is_told_once() -> None:
    sessions = Sessions(MemorySessions(), 60)
    told: list[Session] = []
    sessions.start(told.append)
    first = await sessions.begin("sid~", "/circles", ALICE)
    second = await sessions.claim(first.pid, "/circles", ALICE)
    assert second is not None
    for _time in range(2):
        await sessions.save(first)
    await sessions.end(first)
    assert told == [first]
    await sessions.end(second)
    assert await sessions.claim(first.pid, "/circles", ALICE) is not None
    await sessions.close()


async def test_one_that_is_over_is_forgotten() -> None:
    store = MemorySessions()
    sessions = Sessions(store, 60)
    session = await sessions.begin("sid~", "/circles", ALICE)
    session.over = True
    await sessions.end(session)
    assert await sessions.claim(session.pid, "/circles", ALICE) is None


async def test_one_that_is_over_is_forgotten_once_that_can_be_told() -> None:
    store = Fickle()
    sessions = Sessions(store, 0.5)
    session = await sessions.begin("sid~", "/circles", ALICE)
    session.over = True
    store.gone = True
    await sessions.end(session)
    store.gone = False
    sessions.start(ignore)
    await until(lambda: store.forgotten == 1)
    assert await sessions.claim(session.pid, "/circles", ALICE) is None
    await sessions.close()


async def test_one_that_can_not_be_forgotten_keeps_none_from_being_renewed() -> None:
    store = Fickle()
    sessions = Sessions(store, 0.5)
    over, other = [await sessions.begin("sid~", "/circles", ALICE) for _number in range(2)]
    over.over = True
    store.gone = True
    await sessions.end(over)
    store.gone, store.breaks = False, True
    sessions.start(ignore)
    await until(lambda: store.forgotten == 1)
    store._kept.clear()
    await until(lambda: other.pid in store._kept)
    await sessions.close()


async def test_what_is_open_is_renewed_also_after_everything_was_forgotten() -> None:
    store = MemorySessions()
    sessions = Sessions(store, 0.2)
    sessions.start(ignore)
    session = await sessions.begin("sid~", "/circles", ALICE)
    store._kept.clear()
    async with asyncio.timeout(5):
        claimed = None
        while claimed is None:
            await asyncio.sleep(0.01)
            claimed = await sessions.claim(session.pid, "/circles", ALICE)
    await sessions.close()
