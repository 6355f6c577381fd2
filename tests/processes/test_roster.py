"""One presence and one roster for all processes, whatever becomes of a process or of Redis."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest

from tests.fixtures.clients import Connect
from tests.fixtures.processes import RunReady
from tests.support.client import Client
from tests.support.process import HearthProcess
from tests.support.ready import until, until_status
from tests.support.redis import RedisServer
from tests.support.tokens import AGENT, ALICE, BOB, token

OTHER_AGENT = token("agent-8", "agent", "*:*:rw")
PATIENCE_SECONDS = 30.0


async def join(connect: Connect, process: HearthProcess, who: str) -> Client:
    """Have somebody join the circle there."""
    client = await connect(url=process.url, token=who)
    await client.join()
    return client


async def members(client: Client) -> list[tuple[str, int]]:
    """Return who is in the circle, and by how many connections."""
    answer: Any = await client.request("presence", {"channel": "dev-team"})
    if not answer["ok"]:
        return []  # Redis is away
    return [(one["id"], one["connections"]) for one in answer["members"]]


async def until_members(client: Client, *wanted: tuple[str, int]) -> None:
    """Wait until these are in the circle."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sorted(await members(client)) != sorted(wanted):  # noqa: ASYNC110 - it is asked for
            await asyncio.sleep(0.05)


async def until_status_says(client: Client, *wanted: str) -> None:
    """Wait until the last status lists these."""

    def says() -> bool:
        statuses = client.all("circle_status")
        listed = [one["id"] for one in statuses[-1]["data"]["members"]] if statuses else []
        return sorted(listed) == sorted(wanted)

    await until(says, PATIENCE_SECONDS)


def left(client: Client) -> list[str]:
    """Return which agents have left, as the circle was told."""
    return sorted(message["data"]["agent_id"] for message in client.all("agent_left"))


async def test_all_processes_see_the_same(processes: list[HearthProcess], connect: Connect) -> None:
    one, two = processes
    alice = await join(connect, one, ALICE)
    agents = [await join(connect, process, AGENT) for process in (one, two, two)]
    bob = await join(connect, two, BOB)
    wanted = [("alice", 1), ("agent-7", 3), ("bob", 1)]
    for client in (alice, bob):
        assert sorted(await members(client)) == sorted(wanted)
        await until_status_says(client, "alice", "agent-7", "bob")
    again = await bob.request("join", {"channel": "dev-team"})
    assert again["presence"]["count"] == 3
    for agent in agents:
        assert left(alice) == []
        await agent.request("leave", {"channel": "dev-team"})
    for client in (alice, bob):
        await client.next("agent_left")
    await until_status_says(alice, "alice", "bob")
    assert (len(alice.all("agent_joined")), left(alice)) == (1, ["agent-7"])
    assert [m["offset"] for m in alice.all("agent_left")] == [
        m["offset"] for m in bob.all("agent_left")
    ]


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
async def test_the_members_of_a_process_that_ends_leave(
    processes: list[HearthProcess], connect: Connect, signum: int
) -> None:
    one, two = processes
    alice = await join(connect, one, ALICE)
    await join(connect, one, OTHER_AGENT)
    for who in (AGENT, AGENT, OTHER_AGENT, BOB):
        await join(connect, two, who)
    await until_status_says(alice, "alice", "agent-7", "agent-8", "bob")
    await two.stop(signum)
    await until_status_says(alice, "alice", "agent-8")
    await until_members(alice, ("alice", 1), ("agent-8", 1))
    await alice.next("agent_left")
    assert left(alice) == ["agent-7"]  # agent-8 is still there, by another connection


async def test_an_agent_whose_process_is_killed_is_back_elsewhere(
    processes: list[HearthProcess], connect: Connect
) -> None:
    one, two = processes
    alice = await join(connect, one, ALICE)
    await join(connect, two, AGENT)
    await until_status_says(alice, "alice", "agent-7")
    await two.stop(signal.SIGKILL)
    await join(connect, one, AGENT)
    await join(connect, one, OTHER_AGENT)
    await until_members(alice, ("alice", 1), ("agent-7", 1), ("agent-8", 1))
    told = [one["data"]["agent_id"] for one in alice.all("agent_joined")]
    assert (told, left(alice)) == (["agent-7", "agent-8"], [])


async def test_redis_loses_everything(
    processes: list[HearthProcess], connect: Connect, redis_server: RedisServer
) -> None:
    one, two = processes
    alice = await join(connect, one, ALICE)
    for process in (one, two, two):
        await join(connect, process, AGENT)
    await until_status_says(alice, "alice", "agent-7")
    redis_server.stop()
    await until_status(one.url, 503)
    redis_server.start()
    for process in (one, two):
        await until_status(process.url)
    await until_members(alice, ("alice", 1), ("agent-7", 3))
    bob = await join(connect, two, BOB)
    await until_status_says(alice, "alice", "agent-7", "bob")
    await until_status_says(bob, "alice", "agent-7", "bob")
    assert left(alice) == []


async def test_a_process_that_stood_still_has_its_members_again(
    processes: list[HearthProcess], connect: Connect
) -> None:
    one, two = processes
    alice = await join(connect, one, ALICE)
    await join(connect, two, AGENT)
    await until_status_says(alice, "alice", "agent-7")
    two.process.send_signal(signal.SIGSTOP)
    try:
        await until_status_says(alice, "alice")
        await alice.next("agent_left")
    finally:
        two.process.send_signal(signal.SIGCONT)
    await until_status_says(alice, "alice", "agent-7")
    await alice.next("agent_joined", 2)
    assert len(alice.all("agent_joined")) == 2
    assert left(alice) == ["agent-7"]


async def test_what_members_are_told_of_agents_pairs_when_their_process_is_killed(
    run_ready: RunReady, connect: Connect
) -> None:
    """Killed while some of them are just joining: each that is told of has come, and then gone."""
    one, two, three = await run_ready(3)
    alice = await join(connect, one, ALICE)
    names = [f"robot-{number}" for number in range(16)]
    tokens = {name: token(name, "agent", "*:*:rw") for name in names}
    for name in names[:8]:
        await join(connect, two, tokens[name])
    clients = [await connect(url=two.url, token=tokens[name]) for name in names[8:]]
    joining = [
        asyncio.create_task(client.request("join", {"channel": "dev-team"})) for client in clients
    ]
    await asyncio.wait(joining, return_when=asyncio.FIRST_COMPLETED)
    await two.stop(signal.SIGKILL)
    back = names[:4]
    for name in back:
        await join(connect, three, tokens[name])
    await until_members(alice, ("alice", 1), *((name, 1) for name in back))
    await join(connect, three, AGENT)  # behind whatever is published for the others
    for task in joining:
        task.cancel()
    await asyncio.gather(*joining, return_exceptions=True)

    def is_paired() -> bool:
        gone = set(names[4:8])
        told = [
            [
                kind
                for kind, message in alice.received
                if kind in ("agent_joined", "agent_left") and message["data"]["agent_id"] == name
            ]
            for name in names
        ]
        whole = ["agent_joined", "agent_left"]
        return gone <= set(left(alice)) and all(
            kinds == whole[:1] if name in back else kinds in ([], whole)
            for name, kinds in zip(names, told, strict=True)
        )

    await until(is_paired, PATIENCE_SECONDS)
