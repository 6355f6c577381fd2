"""Where sessions are kept: the same whether in memory or in Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.broker import sessions as memory
from app.broker.redis_sessions import RedisSessions
from app.broker.sessions import MemorySessions, SessionStore
from app.core.errors import Unavailable
from app.core.history import Position
from app.core.identity import Identity
from app.core.session import Session
from app.hub.sessions import Sessions
from tests.support.brokers import RunningBroker
from tests.support.clock import SettableClock
from tests.support.ready import until
from tests.support.redis import RedisServer

WHOSE = "/circles user:alice"
ALICE = Identity("alice", "user")


@pytest.fixture
async def redis_store(redis_server: RedisServer) -> AsyncIterator[RedisSessions]:
    running = await RunningBroker.start(redis_server.url)
    yield RedisSessions(running.commands, running.subscriptions, running.keys, "here")
    await running.close()


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.processes)])
def store(request: pytest.FixtureRequest) -> SessionStore:
    """Each of them in turn."""
    if request.param == "memory":
        return MemorySessions()
    found: RedisSessions = request.getfixturevalue("redis_store")
    return found


def new_session(owner: str = "first", pid: str = "p" * 32) -> Session:
    session = Session(pid, owner, "sid~", "/circles", "alice", WHOSE)
    session.enter("dev-team", Position(4, "e1"), trusted=True)
    return session


async def test_a_session_is_claimed_by_whom_it_belongs_to(store: SessionStore) -> None:
    session = new_session()
    assert await store.save(session, 60)
    assert await store.claim(session.pid, "second", "/circles user:eve", 60) is None
    assert await store.claim("q" * 32, "second", WHOSE, 60) is None
    claimed = await store.claim(session.pid, "second", WHOSE, 60)
    assert claimed is not None
    assert (claimed.owner, claimed.sid) == ("second", "sid~")
    assert claimed.channels() == session.channels()


async def test_who_has_lost_it_changes_nothing_any_more(store: SessionStore) -> None:
    session = new_session()
    await store.save(session, 60)
    claimed = await store.claim(session.pid, "second", WHOSE, 60)
    assert claimed is not None
    session.leave("dev-team")
    assert not await store.save(session, 60)
    await store.forget(session, 60)
    again = await store.claim(session.pid, "third", WHOSE, 60)
    assert again is not None
    assert list(again.places) == ["dev-team"]
    assert not await store.save(claimed, 60)


async def test_what_is_forgotten_is_gone(store: SessionStore) -> None:
    session = new_session()
    await store.save(session, 60)
    await store.forget(session, 60)
    await store.forget(session, 60)
    assert await store.claim(session.pid, "second", WHOSE, 60) is None


async def test_what_is_over_is_not_saved_again_by_who_had_it_before(store: SessionStore) -> None:
    """A half-open connection in another process, say, which hasn't noticed."""
    ghost = new_session()
    await store.save(ghost, 60)
    claimed = await store.claim(ghost.pid, "second", WHOSE, 60)
    assert claimed is not None
    await store.forget(claimed, 60)
    assert not await store.save(ghost, 60)
    assert await store.claim(ghost.pid, "third", WHOSE, 60) is None


async def test_sessions_run_out(store: SessionStore) -> None:
    session = new_session()
    await store.save(session, 0.05)
    await asyncio.sleep(0.1)
    assert await store.claim(session.pid, "second", WHOSE, 60) is None
    assert await store.save(session, 60)  # and who is there after all has it again


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_SESSIONS", 3)
    clock = SettableClock()
    store = MemorySessions(clock)
    for number in range(5):
        await store.save(new_session(pid=str(number)), 10)
    assert len(store) == 3
    assert await store.claim("1", "second", WHOSE, 10) is None
    assert await store.claim("2", "second", WHOSE, 10) is not None
    clock.advance(20)
    await store.save(new_session(pid="new"), 10)
    assert len(store) == 1


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
    sessions.on_claimed = told.append
    first = await sessions.begin("sid~", "/circles", ALICE)
    second = await sessions.claim(first.pid, "/circles", ALICE)
    assert second is not None
    for _time in range(2):
        await sessions.save(first)
    await sessions.end(first)
    assert told == [first]
    await sessions.end(second)
    assert await sessions.claim(first.pid, "/circles", ALICE) is not None


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
    sessions.start()
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
    sessions.start()
    await until(lambda: store.forgotten == 1)
    store._kept.clear()
    await until(lambda: other.pid in store._kept)
    await sessions.close()


async def test_what_is_open_is_renewed_also_after_everything_was_forgotten() -> None:
    store = MemorySessions()
    sessions = Sessions(store, 0.2)
    sessions.start()
    session = await sessions.begin("sid~", "/circles", ALICE)
    store._kept.clear()
    async with asyncio.timeout(5):
        claimed = None
        while claimed is None:
            await asyncio.sleep(0.01)
            claimed = await sessions.claim(session.pid, "/circles", ALICE)
    await sessions.close()
