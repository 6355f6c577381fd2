"""Sessions begin, are claimed, renewed and ended, whatever becomes of their store."""

from __future__ import annotations

import asyncio

import pytest

from app.broker.memory_sessions import MemorySessions
from app.core.closing import Closing
from app.core.errors import Unavailable
from app.core.identity import Identity
from app.core.session import Session
from app.hub.sessions import Sessions
from tests.support.members import Nowhere
from tests.support.ready import until

ALICE = Identity("alice", "user")


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
    session = await sessions.begin("sid~", "/circles", ALICE, Nowhere())
    with pytest.raises(Unavailable):
        await sessions.save(session)
    await sessions.end(session)


async def test_the_connection_of_before_is_closed_and_has_left() -> None:
    sessions = Sessions(MemorySessions(), 60)
    sessions.start()
    ended: list[str] = []

    def end() -> None:
        async def leave() -> None:
            ended.append("left")
            await sessions.end(first)

        leaving.append(asyncio.ensure_future(leave()))

    leaving: list[asyncio.Future[None]] = []
    ghost = Nowhere(end)
    first = await sessions.begin("sid~", "/circles", ALICE, ghost)
    second = await sessions.claim(first.pid, "/circles", ALICE, Nowhere())
    assert second is not None
    assert (ghost.closings, ended) == ([Closing.SUPERSEDED], ["left"])
    await asyncio.gather(*leaving)
    await sessions.end(second)
    assert await sessions.claim(first.pid, "/circles", ALICE, Nowhere()) is not None
    await sessions.close()


async def test_who_stops_waiting_for_the_connection_of_before_leaves_nothing_behind() -> None:
    store = MemorySessions()
    sessions = Sessions(store, 60)
    first = await sessions.begin("sid~", "/circles", ALICE, Nowhere())
    claiming = asyncio.create_task(sessions.claim(first.pid, "/circles", ALICE, Nowhere()))
    await asyncio.sleep(0)
    claiming.cancel()
    await asyncio.gather(claiming, return_exceptions=True)
    await sessions.end(first)
    assert not sessions._open
    assert await sessions.claim(first.pid, "/circles", ALICE, Nowhere()) is not None


async def test_the_connection_of_what_was_claimed_elsewhere_is_closed_once() -> None:
    store = MemorySessions()
    here, there = Sessions(store, 60), Sessions(store, 60)
    ghost = Nowhere()
    session = await here.begin("sid~", "/circles", ALICE, ghost)
    assert await there.claim(session.pid, "/circles", ALICE, Nowhere()) is not None
    for _time in range(2):
        await here.save(session)
    assert ghost.closings == [Closing.SUPERSEDED]
    await here.end(session)
    assert await Sessions(store, 60).claim(session.pid, "/circles", ALICE, Nowhere()) is not None


async def test_one_that_is_over_is_forgotten() -> None:
    store = MemorySessions()
    sessions = Sessions(store, 60)
    session = await sessions.begin("sid~", "/circles", ALICE, Nowhere())
    session.over = True
    await sessions.end(session)
    assert await sessions.claim(session.pid, "/circles", ALICE, Nowhere()) is None


async def test_one_that_is_over_is_deleted_once_the_store_is_back() -> None:
    store = Fickle()
    sessions = Sessions(store, 0.5)
    session = await sessions.begin("sid~", "/circles", ALICE, Nowhere())
    session.over = True
    store.gone = True
    await sessions.end(session)
    store.gone = False
    sessions.start()
    await until(lambda: store.forgotten == 1)
    assert await sessions.claim(session.pid, "/circles", ALICE, Nowhere()) is None
    await sessions.close()


async def test_one_that_can_not_be_forgotten_keeps_none_from_being_renewed() -> None:
    store = Fickle()
    sessions = Sessions(store, 0.5)
    over, other = [
        await sessions.begin("sid~", "/circles", ALICE, Nowhere()) for _number in range(2)
    ]
    over.over = True
    store.gone = True
    await sessions.end(over)
    store.gone, store.breaks = False, True
    sessions.start()
    await until(lambda: store.forgotten == 1)
    store._entries.clear()
    await until(lambda: other.pid in store._entries)
    await sessions.close()


async def test_what_is_open_is_renewed_also_after_everything_was_forgotten() -> None:
    store = MemorySessions()
    sessions, others = Sessions(store, 0.2), Sessions(store, 0.2)
    sessions.start()
    session = await sessions.begin("sid~", "/circles", ALICE, Nowhere())
    store._entries.clear()
    async with asyncio.timeout(30):
        claimed = None
        while claimed is None:
            await asyncio.sleep(0.01)
            claimed = await others.claim(session.pid, "/circles", ALICE, Nowhere())
    await sessions.close()
