"""Tallies in Redis keep the contract, and reach all other processes, or are told again."""

from __future__ import annotations

import pytest

from app.broker.redis_tallies import RedisTallies
from app.core.errors import Unavailable
from app.core.quota import Tally
from tests.broker.contracts.tallies import ALICE, TalliesContract, TallyListener
from tests.fixtures.redis import StartBackend
from tests.support.backends import RunningBackend
from tests.support.ready import until
from tests.support.redis import RedisServer


def start(
    backend: RunningBackend, listener: TallyListener, silent_seconds: float = 30.0
) -> RedisTallies:
    tallies = RedisTallies(
        backend.commands, backend.subscriptions, backend.keys, backend.process, silent_seconds
    )
    tallies.start(listener)
    return tallies


class TestRedisTallies(TalliesContract):
    @pytest.fixture
    async def tallies(
        self, start_backend: StartBackend, tally_listener: TallyListener
    ) -> RedisTallies:
        return start(await start_backend(), tally_listener)


@pytest.fixture
def ears() -> list[TallyListener]:
    return [TallyListener(), TallyListener()]


async def test_what_one_tells_all_others_hear(
    start_backend: StartBackend, ears: list[TallyListener]
) -> None:
    backends = [await start_backend() for _number in range(2)]
    one, _other = [start(*both) for both in zip(backends, ears, strict=True)]

    async def tell() -> None:
        await one.tell(ALICE)

    await tell()
    while not ears[1].told:
        await tell()  # its subscription may come later
    assert ears[1].told[0] == (backends[0].process, ALICE)
    assert isinstance(ears[1].told[0][1]["user:alice"], Tally)
    assert ears[0].told == []


async def test_installations_with_prefixes_of_their_own_hear_nothing_of_each_other(
    start_backend: StartBackend, ears: list[TallyListener]
) -> None:
    listener = TallyListener()
    backends = [
        await start_backend(prefix="one"),
        await start_backend(prefix="other"),
        await start_backend(prefix="one"),
    ]
    one, _other, _same = [start(*both) for both in zip(backends, [*ears, listener], strict=True)]
    while not listener.told:
        await one.tell(ALICE)
    assert ears[1].told == []


async def test_who_tells_nothing_is_gone(
    start_backend: StartBackend, ears: list[TallyListener]
) -> None:
    backends = [await start_backend() for _number in range(2)]
    one, other = [start(*both, 0.2) for both in zip(backends, ears, strict=True)]
    while not ears[1].told:
        await one.tell(ALICE)
    told = len(ears[1].gone)
    while len(ears[1].gone) == told:
        await other.tell({})
    assert ears[1].gone[-1] == backends[0].process


async def test_who_ends_is_forgotten_at_once(
    start_backend: StartBackend, ears: list[TallyListener]
) -> None:
    backends = [await start_backend() for _number in range(2)]
    one, _other = [start(*both) for both in zip(backends, ears, strict=True)]
    while not ears[1].told:
        await one.tell(ALICE)
    await one.tell({})
    told = len(ears[1].gone)
    one.close()
    await until(lambda: len(ears[1].gone) > told)
    assert ears[1].gone[-1] == backends[0].process


async def test_after_an_outage_everything_is_told_again(
    start_backend: StartBackend, ears: list[TallyListener], redis_server: RedisServer
) -> None:
    backends = [await start_backend() for _number in range(2)]
    one, _other = [start(*both) for both in zip(backends, ears, strict=True)]
    while not ears[1].told:
        await one.tell(ALICE)
    missed = ears[0].missed
    redis_server.stop()
    await until(lambda: not backends[0].commands.ready)
    with pytest.raises(Unavailable):
        await one.tell(ALICE)
    assert ears[0].missed == missed  # it can't tell anything now
    redis_server.start()
    await until(lambda: all(backend.ready for backend in backends))
    await one.tell(ALICE)
    assert ears[0].missed > missed
    missed = ears[0].missed
    await until(lambda: ears[1].anew[-1:] == [backends[0].process])
    await one.tell(ALICE)
    assert ears[0].missed == missed
