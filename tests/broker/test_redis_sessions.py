"""The sessions in Redis keep the contract, and notify owners across processes."""

from __future__ import annotations

import pytest

from app.broker.redis_sessions import RedisSessions
from tests.broker.contracts.sessions import CLAIMANT, SessionStoreContract, new_session
from tests.fixtures.redis import StartBackend
from tests.support.backends import RunningBackend
from tests.support.messages import TEAM
from tests.support.ready import until


class Ghosts:
    """Records the owners that it is notified of."""

    def __init__(self) -> None:
        self.owners: list[str] = []

    def on_claimed(self, owner: str) -> None:
        self.owners.append(owner)


def sessions_of(backend: RunningBackend, process: str) -> RedisSessions:
    return RedisSessions(
        *(backend.commands, backend.subscriptions, backend.keys, process, backend.unreadable)
    )


class TestRedisSessions(SessionStoreContract):
    @pytest.fixture
    async def store(self, start_backend: StartBackend) -> RedisSessions:
        return sessions_of(await start_backend(), "here")


async def test_the_process_of_the_previous_owner_is_notified(start_backend: StartBackend) -> None:
    backends = await start_backend(), await start_backend()
    stores = [sessions_of(*pair) for pair in zip(backends, ("one", "other"), strict=True)]
    ghosts = Ghosts(), Ghosts()
    for backend, store, events in zip(backends, stores, ghosts, strict=True):
        store.start(events)
        await backend.broker.subscribe(TEAM)  # confirmed after what was asked for before
    session = new_session("one:a")
    await stores[0].save(session, 60)
    assert await stores[1].claim(session.pid, "other:b", CLAIMANT, 60) is not None
    await until(lambda: ghosts[0].owners == ["one:a"])
    assert ghosts[1].owners == []
