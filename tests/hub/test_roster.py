"""The roster: each change is published once, and in the end always."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from app.broker.contract import Published
from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.identity import Identity
from app.core.message import Message
from app.hub.roster import Roster, RosterTimes
from tests.support.backends import RunningBackend
from tests.support.hubs import new_hub
from tests.support.members import RecordingFanOut, new_member
from tests.support.messages import TEAM, somebody
from tests.support.ready import until
from tests.support.redis import RedisServer

AGENT = somebody("agent-7", "agent", "*:*:rw")
QUICK = RosterTimes(retry=0.1, overdue=1.0, absence=0.2)
PATIENT = RosterTimes(retry=0.1, overdue=1.0, absence=600)


class Process:
    """A backend, a hub and a roster, as one process has them, and somebody who listens."""

    def __init__(self, url: str, times: RosterTimes) -> None:
        self.backend = RunningBackend(url)
        self.fanout = RecordingFanOut()
        self.hub = new_hub(self.fanout, self.backend.broker, self.backend.presence)
        self.roster = Roster(self.hub, self.backend.statuses, self.backend.announcements, times)

    @classmethod
    async def start(cls, url: str, times: RosterTimes) -> Process:
        """Start one and wait until it is ready."""
        one = cls(url, times)
        await one.backend.connect()
        await one.hub.memberships.start(one.roster)
        one.roster.start()
        await until(lambda: one.hub.ready)
        return one

    async def listen(self) -> None:
        """Have everything in the circle noted."""
        await self.backend.broker.subscribe(TEAM)
        self.fanout.enter(new_member("listener", "/circles", AGENT), TEAM)

    def published(self, event: str) -> list[Any]:
        """Return the data of each message of a type."""
        return [
            json.loads(one.body)["data"]
            for one in self.fanout.inbox["listener"]
            if one.type == event
        ]

    async def enter(self, sid: str, identity: Identity) -> None:
        """Have a connection join the circle."""
        if await self.backend.presence.enter(TEAM, sid, identity):
            await self.change(identity, joined=True)

    async def exit(self, sid: str, identity: Identity) -> None:
        """Have a connection leave it."""
        if await self.backend.presence.exit(TEAM, sid, identity):
            await self.change(identity, joined=False)

    async def change(self, identity: Identity, *, joined: bool) -> None:
        """Notify it that an identity has joined or left."""
        await self.hub.memberships.on_presence(TEAM, identity, joined)

    async def vanish(self) -> None:
        """Stop as a process does that is killed."""
        for timers in (self.roster._timers, self.roster._departure_timers):
            for timer in timers.values():
                timer.cancel()
        await self.roster._overdue.cancel()
        await self.roster._tasks.finish(10)
        await self.backend.vanish()

    async def close(self) -> None:
        """Stop as a process does that ends."""
        await self.roster.close()
        await self.backend.close()


@pytest.fixture
def times() -> RosterTimes:
    """Those of both processes."""
    return QUICK


@pytest.fixture
async def processes(redis_server: RedisServer, times: RosterTimes) -> AsyncIterator[list[Process]]:
    """Two processes."""
    processes = [await Process.start(redis_server.url, times) for _ in range(2)]
    yield processes
    await asyncio.gather(*(process.close() for process in processes))


async def test_a_status_follows_the_last_change(processes: list[Process]) -> None:
    one, two = processes
    await one.listen()
    for number in range(10):
        who = somebody(f"user-{number}")
        await (one, two)[number % 2].enter(f"s{number}", who)
        await asyncio.sleep(0)
    await until(lambda: one.published("circle_status")[-1:] != [] and online(one) == 10)
    assert len(one.published("circle_status")) <= 3


def online(process: Process) -> int:
    """Return what the last status said."""
    count: int = process.published("circle_status")[-1]["online"]
    return count


async def test_a_change_just_after_the_status_was_read(processes: list[Process]) -> None:
    one, two = processes
    await one.listen()
    members = one.hub.members

    async def read_then_change(channel: Channel) -> Any:
        read = await members(channel)
        await two.enter("late", somebody("late"))
        one.hub.members = members  # type: ignore[method-assign]
        return read

    one.hub.members = read_then_change  # type: ignore[method-assign]
    await one.enter("s1", somebody("early"))
    await until(lambda: [status["online"] for status in one.published("circle_status")] == [1, 2])


async def test_what_a_killed_process_has_not_published_another_publishes(
    processes: list[Process],
) -> None:
    one, two = processes
    await two.listen()
    await one.enter("s1", AGENT)
    await until(lambda: bool(two.published("circle_status")))
    await one.exit("s1", AGENT)
    await one.vanish()  # before it has published the status, or that the agent has left
    assert online(two) == 1
    await until(lambda: online(two) == 0 and bool(two.published("agent_left")))
    assert len(two.published("agent_left")) == 1


async def test_what_a_process_that_stops_has_not_published_is_published(
    processes: list[Process],
) -> None:
    one, two = processes
    await two.listen()
    await one.enter("s1", AGENT)
    await until(lambda: bool(two.published("circle_status")))
    await one.close()
    processes.remove(one)
    await until(lambda: online(two) == 0 and bool(two.published("agent_left")))
    assert len(two.published("agent_left")) == 1


@pytest.mark.parametrize("arrives", [True, False])
async def test_what_redis_does_not_take_is_published_later_and_once(
    processes: list[Process], arrives: bool
) -> None:
    one, two = processes
    await two.listen()
    publish_all = one.backend.broker.publish_all
    failures = 3

    async def fail(targets: Sequence[tuple[Channel, Message]]) -> Published:
        nonlocal failures
        if failures == 0:
            return await publish_all(targets)
        failures -= 1
        if arrives:
            await publish_all(targets)
        raise Unavailable

    one.backend.broker.publish_all = fail  # type: ignore[method-assign, assignment]
    await one.enter("s1", AGENT)
    await one.exit("s1", AGENT)
    await until(lambda: bool(two.published("circle_status")) and online(two) == 0)
    await until(lambda: bool(two.published("agent_left")))
    events = [one.type for one in two.fanout.inbox["listener"] if one.type != "circle_status"]
    assert events == ["agent_joined", "agent_left"]


def told(process: Process) -> list[str]:
    """Return what the circle was told of agents."""
    return [one.type for one in process.fanout.inbox["listener"] if one.type != "circle_status"]


@pytest.mark.parametrize("times", [PATIENT])
async def test_a_flapping_agent_is_announced_once(processes: list[Process]) -> None:
    _one, two = processes
    await two.listen()
    for number in range(20):
        process = processes[number % 2]
        await process.enter(f"s{number}", AGENT)
        if number % 3:  # another connection, before the first one is lost
            await processes[(number + 1) % 2].enter(f"t{number}", AGENT)
            await processes[(number + 1) % 2].exit(f"t{number}", AGENT)
        await process.exit(f"s{number}", AGENT)
    await two.enter("last", AGENT)
    await two.enter("other", somebody("agent-8", "agent"))
    await until(lambda: len(two.published("agent_joined")) == 2)
    await until(lambda: bool(two.published("circle_status")) and online(two) == 2)
    assert told(two) == ["agent_joined"] * 2
    assert [one["agent_id"] for one in two.published("agent_joined")] == ["agent-7", "agent-8"]


async def test_an_agent_that_does_not_come_back_has_left(processes: list[Process]) -> None:
    _one, two = processes
    await two.listen()
    for number in range(3):
        await processes[number % 2].enter(f"s{number}", AGENT)
        await processes[number % 2].exit(f"s{number}", AGENT)
        await until(lambda: len(two.published("agent_left")) == number + 1)  # noqa: B023
    assert told(two) == ["agent_joined", "agent_left"] * 3


async def test_one_that_comes_back_as_it_is_said_to_have_left(processes: list[Process]) -> None:
    """Whoever publishes first, members are told that it left and then that it came."""
    one, two = processes
    await two.listen()
    publish_all = one.backend.broker.publish_all
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def wait(targets: Sequence[tuple[Channel, Message]]) -> Published:
        if targets[0][1].type == "agent_left":
            waiting.set()
            await go_on.wait()
        return await publish_all(targets)

    one.backend.broker.publish_all = wait  # type: ignore[method-assign, assignment]
    await one.enter("s1", AGENT)
    await one.exit("s1", AGENT)
    await waiting.wait()
    await two.enter("s2", AGENT)
    go_on.set()
    await one.roster._tasks.finish(10)
    assert told(two) == ["agent_joined", "agent_left", "agent_joined"]


async def test_what_happens_at_once_is_told_as_it_is_in_the_end(processes: list[Process]) -> None:
    one, two = processes
    await two.listen()
    await asyncio.gather(*(one.enter(f"s{number}", AGENT) for number in range(20)))
    await asyncio.gather(*(one.exit(f"s{number}", AGENT) for number in range(20)))
    await until(lambda: told(two) == ["agent_joined", "agent_left"])


async def test_what_changes_while_a_status_is_due(processes: list[Process]) -> None:
    one, two = processes
    await two.listen()
    await one.enter("s1", AGENT)  # a status of this is due
    assert await two.backend.statuses.claim(TEAM, 0.001) == 0  # another process publishes it
    await one.exit("s1", AGENT)
    await one.roster._tasks.finish(10)
    assert await one.backend.statuses.overdue(0) == [TEAM]
