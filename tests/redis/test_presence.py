"""Presence in Redis when processes are killed or frozen, and when Redis is away."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from functools import partial
from typing import Any

import pytest

from app.broker.redis_heartbeat import HeartbeatTimes
from app.core.channel import Channel
from app.core.errors import Unavailable
from tests.fixtures.redis import StartBackend
from tests.support.backends import RunningBackend
from tests.support.messages import OTHER, TEAM, somebody
from tests.support.ready import until, until_members
from tests.support.redis import RedisServer

ALICE, BOB = somebody("alice"), somebody("bob")


def changes_of(*backends: RunningBackend) -> Counter[tuple[Channel, str, bool]]:
    """Return what they all report of members."""
    return sum((one.listener.changes for one in backends), Counter())


@pytest.fixture
def start_backend(start_backend: StartBackend) -> StartBackend:
    """Return a function that starts a backend, for which silence means death sooner."""
    return partial(start_backend, heartbeat_times=HeartbeatTimes(interval=0.1, dead=1.0))


async def test_the_members_of_a_killed_process_leave_once(start_backend: StartBackend) -> None:
    killed, *others = [await start_backend() for _ in range(4)]
    await killed.presence.enter(TEAM, "a1", ALICE)
    await killed.presence.enter(OTHER, "a1", ALICE)
    await killed.presence.enter(TEAM, "b1", BOB)
    await others[0].presence.enter(TEAM, "b2", BOB)
    await killed.vanish()
    await until_members(others[1].presence, TEAM, "bob")
    await until_members(others[1].presence, OTHER)
    await until(lambda: changes_of(*others).total() >= 2)
    await asyncio.sleep(0.5)  # the others have tried too by then
    assert changes_of(*others) == {(TEAM, "alice", False): 1, (OTHER, "alice", False): 1}
    members = await others[1].presence.members(TEAM)
    assert members.first[0].connections == 1


async def test_a_frozen_process_that_comes_back_enters_again(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    frozen, other = await start_backend(), await start_backend()
    await frozen.presence.enter(TEAM, "a1", ALICE)
    await frozen.presence.enter(TEAM, "gone", BOB)
    heartbeat = frozen.presence._heartbeat
    beat, stopped = heartbeat._beat, asyncio.Event()

    async def no_beat() -> None:
        await stopped.wait()

    heartbeat._beat = no_beat  # type: ignore[method-assign]
    await until_members(other.presence, TEAM)
    # Who leaves or comes meanwhile is right afterwards too.
    await frozen.presence.exit(TEAM, "gone", BOB)
    await frozen.presence.enter(OTHER, "b1", BOB)
    heartbeat._beat = beat  # type: ignore[method-assign]
    stopped.set()
    await until_members(other.presence, TEAM, "alice")
    await until_members(other.presence, OTHER, "bob")
    await until(lambda: changes_of(frozen, other)[TEAM, "alice", True] == 1)
    changes = changes_of(frozen, other)
    assert changes[TEAM, "alice", False] == 1
    assert changes[TEAM, "bob", False] == 1
    assert changes[TEAM, "bob", True] == 0
    # And when it is killed now, none of them stays behind.
    await frozen.vanish()
    await until_members(other.presence, TEAM)
    await until_members(other.presence, OTHER)


async def test_nobody_is_buried_because_redis_was_away(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    backends = [await start_backend() for _ in range(3)]
    for number, one in enumerate(backends):
        await one.presence.enter(TEAM, f"s{number}", somebody(f"u{number}"))
    redis_server.freeze()
    await until(lambda: not any(one.ready for one in backends))
    await asyncio.sleep(0.5)
    redis_server.thaw()
    await until(lambda: all(one.ready for one in backends))
    await asyncio.sleep(1.5)
    await until_members(backends[0].presence, TEAM, "u0", "u1", "u2")
    assert changes_of(*backends) == {}


async def test_who_left_while_redis_was_gone_is_struck_later(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    redis_server.stop()
    redis_server.start(*RedisServer.KEPT)
    running, other = await start_backend(), await start_backend()
    await running.presence.enter(TEAM, "a1", ALICE)
    await running.presence.enter(TEAM, "b1", BOB)
    redis_server.stop()
    await until(lambda: not running.ready)
    assert await running.presence.exit(TEAM, "a1", ALICE) is False
    redis_server.start(*RedisServer.KEPT)
    await until_members(other.presence, TEAM, "bob")
    await until(lambda: changes_of(running)[TEAM, "alice", False] == 1)
    assert changes_of(running).total() == 1
    assert running.presence._records.departed() == []


async def test_an_exit_that_a_frozen_redis_did_not_take_is_notified_later(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running = await start_backend()
    await running.presence.enter(TEAM, "a1", ALICE)
    redis_server.freeze()
    assert await running.presence.exit(TEAM, "a1", ALICE) is False
    redis_server.thaw()
    await until_members(running.presence, TEAM)
    await until(lambda: changes_of(running)[TEAM, "alice", False] == 1)


async def test_an_entry_that_failed_leaves_no_ghost(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running = await start_backend()
    redis_server.freeze()
    with pytest.raises(Unavailable):
        await running.presence.enter(TEAM, "a1", ALICE)
    redis_server.thaw()
    await until_members(running.presence, TEAM)
    assert await running.presence.enter(TEAM, "a1", ALICE) is True
    await until_members(running.presence, TEAM, "alice")


async def test_a_thousand_members_survive_a_loss_and_end_with_their_process(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running, other = await start_backend(), await start_backend()
    channels = [TEAM, *(Channel("/notifications", f"user:{n}") for n in range(1000))]
    names = [f"u{n}" for n in range(1000)]
    for name, own in zip(names, channels[1:], strict=True):
        await asyncio.gather(
            running.presence.enter(TEAM, name, somebody(name)),
            running.presence.enter(own, name, somebody(name)),
        )
    members = await other.presence.members(TEAM, 10)
    assert (members.count, len(members.first)) == (1000, 10)
    redis_server.ask("FLUSHALL")
    await until_members(other.presence, TEAM, *names)
    await until_members(other.presence, channels[-1], names[-1])
    assert running.ready
    await running.vanish()
    await until_members(other.presence, TEAM)
    await until(lambda: changes_of(other).total() == 2000)
    assert set(changes_of(other).values()) == {1}


async def test_a_process_that_ends_leaves_no_trace(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running, other = await start_backend(), await start_backend()
    for number in range(300):
        await running.presence.enter(Channel("/circles", f"c{number}"), "a1", ALICE)
    await running.close()
    keys = redis_server.ask("KEYS", "*")
    assert sorted(keys) == ["hearth:format", "hearth:processes"]
    assert redis_server.ask("ZRANGE", "hearth:processes", 0, -1) == [other.process]


async def test_the_evicted_are_forgotten_after_an_hour(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running = await start_backend()
    long_ago = int((time.time() - 3700) * 1000)
    redis_server.ask("ZADD", "hearth:processes", -long_ago, "evicted")
    await until(lambda: "evicted" not in redis_server.ask("ZRANGE", "hearth:processes", 0, -1))
    assert running.ready


@pytest.mark.parametrize(
    "evicted", ["connections", "joined", "of:{process}", "process:{process}", "*"]
)
async def test_what_redis_evicts_is_restored_while_its_members_are_here(
    start_backend: StartBackend, redis: Any, evicted: str
) -> None:
    one, other = [await start_backend() for _ in range(2)]
    for sid, who in (("a1", ALICE), ("a2", ALICE), ("b1", BOB)):
        await one.presence.enter(TEAM, sid, who)
    await other.presence.enter(TEAM, "a3", ALICE)
    pattern = f"*{evicted.format(process=one.process)}"
    keys = [key for key in await redis.keys(pattern) if not key.endswith(b":processes")]
    assert keys
    await redis.delete(*keys)

    async def counted() -> dict[str, int]:
        members = await other.presence.members(TEAM)
        return {present.identity.id: present.connections for present in members.first}

    async with asyncio.timeout(30):
        while (  # noqa: ASYNC110 - it is asked for
            await counted() != {"alice": 3, "bob": 1} or await redis.exists(*keys) < len(keys)
        ):
            await asyncio.sleep(0.05)
    for sid, who, leaves in (("a1", ALICE, False), ("a2", ALICE, False), ("b1", BOB, True)):
        assert await one.presence.exit(TEAM, sid, who) is leaves
    assert await other.presence.exit(TEAM, "a3", ALICE) is True
    assert (await other.presence.members(TEAM)).count == 0
    assert changes_of(one, other) == Counter()
