"""What docs/workers.md shows is what runs, with the rights that the pages ask for."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from app.workers.routes import ROUTES
from tests.fixtures.clients import Connect
from tests.fixtures.processes import Launch, RunReady
from tests.fixtures.servers import Serve
from tests.support.client import PATIENCE_SECONDS, Client
from tests.support.pages import blocks, commands, rights
from tests.support.process import ROOT, HearthProcess, clean_environment
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE, BOB
from tests.workers.rejected import rejected

PAGE = ROOT / "docs/workers.md"
EMIT, CONSUME = blocks(PAGE, "python")
STREAM_AND_GROUP = ("hearth:inbox", "greeters")
NEW = {"hearth:inbox": ">"}

StartProgram = Callable[[str], Awaitable[Process]]


@pytest.fixture
async def server(serve: Serve) -> TestServer:
    """Not on this Redis: what workers emit is ingested by processes with the rights of the page."""
    return await serve()


@pytest.fixture
def urls(redis_server: RedisServer) -> dict[str, str]:
    """For each user that the pages name: where it finds Redis."""
    pages = {"hearth": ROOT / "docs/operations.md", "worker": PAGE}
    for user, page in pages.items():
        redis_server.ask("ACL", "SETUSER", user, "on", ">password", *rights(page, user))
    return {user: redis_server.url.replace("://", f"://{user}:password@") for user in pages}


@pytest.fixture
async def processes(run_ready: RunReady, urls: dict[str, str]) -> list[HearthProcess]:
    """Two servers on one Redis, as the user `hearth`."""
    return await run_ready(2, REDIS_URL=urls["hearth"])


@pytest.fixture
def start_program(launch: Launch, urls: dict[str, str], tmp_path: Path) -> StartProgram:
    """Return a function that starts one of the page's programs, as the user `worker`."""

    async def start(code: str) -> Process:
        path = tmp_path / "program.py"
        path.write_text(code)
        return await launch(sys.executable, path, REDIS_URL=urls["worker"])

    return start


async def in_shell(command: str, url: str) -> str:
    """Return what a command of the page prints."""
    environment = clean_environment(REDIS_URL=url)
    shell = await asyncio.create_subprocess_shell(command, env=environment, stdout=PIPE)
    printed, _nothing = await shell.communicate()
    assert shell.returncode == 0
    return printed.decode()


@pytest.mark.parametrize("program", [EMIT, CONSUME], ids=["emit", "consume"])
def test_a_program_is_short(program: str) -> None:
    assert 10 <= len(program.splitlines()) <= 20


async def test_what_the_program_emits_reaches_members_of_both_processes(
    processes: list[HearthProcess], connect: Connect, start_program: StartProgram, worker: Any
) -> None:
    circles = [await connect(url=process.url, token=BOB) for process in processes]
    for circle in circles:
        await circle.join()
    devices = [await connect("/notifications", ALICE, process.url) for process in processes]
    for _repeated in range(2):
        program = await start_program(EMIT)
        assert await program.wait() == 0
    last = {"title": "The end", "message": "Nothing follows"}
    await worker.emit("notification", last, namespace="/notifications", room="user:alice")
    for circle in circles:
        await circle.next("agent_message", 2)
        said = [(one["data"], one["offset"]) for one in circle.all("agent_message")]
        green = {"agent_id": 7, "content": "The build is green"}
        assert said == [(green, 1), (green, 2)]  # a bare payload has no nonce
    for device in devices:
        await device.next("notification")
        [task] = device.all("task_update")
        assert task["data"] == {"task_id": "build-9", "title": "Build"}
        assert (task["action"], task["nonce"]) == ("completed", "build-9-completed")
        assert task["sender"] == {"id": "ci", "kind": "service"}


async def test_what_is_in_vain_does_not_fail(
    redis_server: RedisServer, urls: dict[str, str], start_program: StartProgram
) -> None:
    publish, _make_group, _look = commands(PAGE)
    assert await in_shell(publish, urls["worker"]) == "0\n"  # no server process listens
    redis_server.stop()
    program = await start_program(EMIT)
    _said, logged = await program.communicate()
    assert program.returncode == 0
    assert f"`{logged.decode().splitlines()[-1]}`" in PAGE.read_text()


async def test_the_shell_reaches_members_and_is_told_how_many_received(
    processes: list[HearthProcess], connect: Connect, urls: dict[str, str]
) -> None:
    bob = await connect(url=processes[0].url, token=BOB)
    await bob.join()
    publish, _make_group, _look = commands(PAGE)
    assert await in_shell(publish, urls["worker"]) == f"{len(processes)}\n"
    assert (await bob.next("agent_message"))["data"]["content"] == "Hi"


async def test_what_is_refused_is_where_the_page_looks(
    processes: list[HearthProcess], redis: Any, worker: Any, urls: dict[str, str]
) -> None:
    await worker.emit("agent_message", {"agent_id": 7}, namespace="/circles", room="dev-team")
    await worker.emit("agent_message", {"agent_id": 7}, room="dev-team")
    await rejected(redis, 2)
    _publish, _make_group, look = commands(PAGE)
    printed = await in_shell(look, urls["worker"])
    page = " ".join(PAGE.read_text().split())
    for reason in re.findall(r"^reason\n(.*)", printed, re.MULTILINE):
        assert f"`{reason}`" in page
    assert printed.count("\nsource\nsocketio\n") == 2


def routes() -> dict[str, list[str]]:
    """Return the page's table of routes: message, namespace, channel and type of each."""
    row = re.compile(r"^\| `(\S+)` \| `(\{.*\})` \| `(\S+)`, `(\S+)` \| `(\S+)` \|$", re.MULTILINE)
    return {source: rest for source, *rest in row.findall(PAGE.read_text())}


async def test_every_route_is_a_line_of_the_table_that_holds(
    processes: list[HearthProcess], connect: Connect, redis: Any
) -> None:
    assert routes().keys() == ROUTES.keys()
    clients: dict[str, Client] = {}
    for source, (message, namespace, channel, event) in routes().items():
        if namespace not in clients:
            clients[namespace] = await connect(namespace, BOB, processes[0].url)
        await clients[namespace].request("join", {"channel": channel})
        await redis.publish(source, message)
        got = await clients[namespace].next(event)
        assert (got["channel"], got["data"]) == (channel, json.loads(message))


async def test_clients_are_answered_once_however_often_a_message_comes(
    processes: list[HearthProcess],
    connect: Connect,
    redis: Any,
    worker: Any,
    urls: dict[str, str],
    start_program: StartProgram,
) -> None:
    bob = await connect(url=processes[0].url, token=BOB)
    alice = await connect(url=processes[1].url, token=ALICE)
    for client in (bob, alice):
        await client.join("hall")
    message = {"channel": "hall", "data": {"content": "Hi"}}
    # Somebody took the first message, and died.
    _publish, make_group, _look = commands(PAGE)
    await in_shell(make_group, urls["worker"])
    assert (await bob.request("user_message", message))["ok"]
    [[_stream, [[entry, _fields]]]] = await redis.xreadgroup("greeters", "dead", NEW)
    await redis.xclaim(*STREAM_AND_GROUP, "dead", 0, [entry], idle=3_600_000)
    for _number in range(2):
        await start_program(CONSUME)
    assert (await alice.next("agent_message"))["data"]["content"] == "Hello, bob"
    assert (await alice.request("user_message", message))["ok"]
    assert (await bob.next("agent_message", 2))["data"]["content"] == "Hello, alice"
    # All of it comes again, and is answered again.
    await until_nothing_is_left(redis)
    await redis.xgroup_setid(*STREAM_AND_GROUP, "0")
    assert (await bob.request("user_message", message))["ok"]
    await bob.next("agent_message", 3)
    await until_nothing_is_left(redis)
    last = {"agent_id": 7, "content": "Nothing follows"}
    await worker.emit("agent_message", last, namespace="/circles", room="hall")
    for client in (bob, alice):
        await client.next("agent_message", 4)
        said = [one["data"]["content"] for one in client.all("agent_message")]
        assert said == ["Hello, bob", "Hello, alice", "Hello, bob", last["content"]]


async def until_nothing_is_left(redis: Any) -> None:
    """Wait until the group has done everything."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if (await redis.xpending(*STREAM_AND_GROUP))["pending"] == 0:
                return
            await asyncio.sleep(0.01)
