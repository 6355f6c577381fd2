"""Presence in Redis when processes are killed or frozen, and when Redis is away."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest

from app.broker import redis_heartbeat
from app.broker.redis import RedisBroker
from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.identity import Identity
from tests.redis.conftest import Start
from tests.support.messages import OTHER, TEAM, somebody
from tests.support.ready import until, until_members
from tests.support.redis import RedisServer

ALICE, BOB = somebody("alice"), somebody("bob")


class Told:
    """What brokers tell of members, all together."""

    def __init__(self, *brokers: RedisBroker) -> None:
        self.changes: Counter[tuple[Channel, str, bool]] = Counter()
        for broker in brokers:
            broker.changed = self._changed

    async def _changed(self, channel: Channel, identity: Identity, joined: bool) -> None:
        self.changes[channel, identity.id, joined] += 1


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have silence mean death sooner."""
    monkeypatch.setattr(redis_heartbeat, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(redis_heartbeat, "DEAD_SECONDS", 1.0)


async def test_the_members_of_a_killed_process_leave_once(start: Start) -> None:
    killed, *others = [await start() for _ in range(4)]
    told = Told(*(one.broker for one in others))
    await killed.broker.enter(TEAM, "a1", ALICE)
    await killed.broker.enter(OTHER, "a1", ALICE)
    await killed.broker.enter(TEAM, "b1", BOB)
    await others[0].broker.enter(TEAM, "b2", BOB)
    await killed.vanish()
    await until_members(others[1].broker, TEAM, "bob")
    await until_members(others[1].broker, OTHER)
    await until(lambda: sum(told.changes.values()) >= 2)
    await asyncio.sleep(0.5)  # the others have tried too by then
    assert told.changes == {(TEAM, "alice", False): 1, (OTHER, "alice", False): 1}
    members = await others[1].broker.members(TEAM)
    assert members.first[0].connections == 1


async def test_a_frozen_process_that_comes_back_enters_again(
    start: Start, redis_server: RedisServer
) -> None:
    frozen, other = await start(), await start()
    told = Told(frozen.broker, other.broker)
    await frozen.broker.enter(TEAM, "a1", ALICE)
    await frozen.broker.enter(TEAM, "gone", BOB)
    heartbeat = frozen.broker._heartbeat
    beat, stopped = heartbeat._beat, asyncio.Event()

    async def no_beat() -> None:
        await stopped.wait()

    heartbeat._beat = no_beat  # type: ignore[method-assign]
    await until_members(other.broker, TEAM)
    # Who leaves or comes meanwhile is right afterwards too.
    await frozen.broker.exit(TEAM, "gone", BOB)
    await frozen.broker.enter(OTHER, "b1", BOB)
    heartbeat._beat = beat  # type: ignore[method-assign]
    stopped.set()
    await until_members(other.broker, TEAM, "alice")
    await until_members(other.broker, OTHER, "bob")
    await until(lambda: told.changes[TEAM, "alice", True] == 1)
    assert told.changes[TEAM, "alice", False] == 1
    assert told.changes[TEAM, "bob", False] == 1
    assert told.changes[TEAM, "bob", True] == 0
    # And when it is killed now, none of them stays behind.
    await frozen.vanish()
    await until_members(other.broker, TEAM)
    await until_members(other.broker, OTHER)


async def test_nobody_is_buried_because_redis_was_away(
    start: Start, redis_server: RedisServer
) -> None:
    brokers = [(await start()).broker for _ in range(3)]
    told = Told(*brokers)
    for number, broker in enumerate(brokers):
        await broker.enter(TEAM, f"s{number}", somebody(f"u{number}"))
    redis_server.freeze()
    await until(lambda: not any(broker.ready for broker in brokers))
    await asyncio.sleep(0.5)
    redis_server.thaw()
    await until(lambda: all(broker.ready for broker in brokers))
    await asyncio.sleep(1.5)
    await until_members(brokers[0], TEAM, "u0", "u1", "u2")
    assert told.changes == {}


async def test_who_left_while_redis_was_gone_is_struck_later(
    start: Start, redis_server: RedisServer
) -> None:
    redis_server.stop()
    redis_server.start(*RedisServer.KEPT)
    running, other = await start(), await start()
    told = Told(running.broker)
    await running.broker.enter(TEAM, "a1", ALICE)
    await running.broker.enter(TEAM, "b1", BOB)
    redis_server.stop()
    await until(lambda: not running.broker.ready)
    assert await running.broker.exit(TEAM, "a1", ALICE) is False
    redis_server.start(*RedisServer.KEPT)
    await until_members(other.broker, TEAM, "bob")
    await until(lambda: told.changes[TEAM, "alice", False] == 1)
    assert sum(told.changes.values()) == 1
    assert running.broker._presence.gone() == []


async def test_an_exit_that_a_frozen_redis_did_not_take_is_told_of_later(
    start: Start, redis_server: RedisServer
) -> None:
    running = await start()
    told = Told(running.broker)
    await running.broker.enter(TEAM, "a1", ALICE)
    redis_server.freeze()
    assert await running.broker.exit(TEAM, "a1", ALICE) is False
    redis_server.thaw()
    await until_members(running.broker, TEAM)
    await until(lambda: told.changes[TEAM, "alice", False] == 1)


async def test_an_entry_that_failed_leaves_no_ghost(
    start: Start, redis_server: RedisServer
) -> None:
    running = await start()
    redis_server.freeze()
    with pytest.raises(Unavailable):
        await running.broker.enter(TEAM, "a1", ALICE)
    redis_server.thaw()
    await until_members(running.broker, TEAM)
    assert await running.broker.enter(TEAM, "a1", ALICE) is True
    await until_members(running.broker, TEAM, "alice")


async def test_a_thousand_members_survive_a_loss_and_end_with_their_process(
    start: Start, redis_server: RedisServer
) -> None:
    running, other = await start(), await start()
    told = Told(other.broker)
    channels = [TEAM, *(Channel("/notifications", f"user:{n}") for n in range(1000))]
    names = [f"u{n}" for n in range(1000)]
    for name, own in zip(names, channels[1:], strict=True):
        await asyncio.gather(
            running.broker.enter(TEAM, name, somebody(name)),
            running.broker.enter(own, name, somebody(name)),
        )
    members = await other.broker.members(TEAM, 10)
    assert (members.count, len(members.first)) == (1000, 10)
    redis_server.ask("FLUSHALL")
    await until_members(other.broker, TEAM, *names)
    await until_members(other.broker, channels[-1], names[-1])
    assert running.broker.ready
    await running.vanish()
    await until_members(other.broker, TEAM)
    await until(lambda: sum(told.changes.values()) == 2000)
    assert set(told.changes.values()) == {1}


async def test_a_process_that_ends_leaves_no_trace(start: Start, redis_server: RedisServer) -> None:
    running, other = await start(), await start()
    for number in range(300):
        await running.broker.enter(Channel("/circles", f"c{number}"), "a1", ALICE)
    await running.broker.close()
    keys = redis_server.ask("KEYS", "*")
    assert keys == ["hearth:processes"]
    assert redis_server.ask("ZRANGE", "hearth:processes", 0, -1) == [other.process]


async def test_the_buried_are_forgotten_after_an_hour(
    start: Start, redis_server: RedisServer
) -> None:
    running = await start()
    long_ago = int((time.time() - 3700) * 1000)
    redis_server.ask("ZADD", "hearth:processes", -long_ago, "buried")
    await until(lambda: "buried" not in redis_server.ask("ZRANGE", "hearth:processes", 0, -1))
    assert running.broker.ready
