"""What docs/clients-other.md shows is what runs, across lost connections and killed servers."""

from __future__ import annotations

import ast
import asyncio
import re
import shutil
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from app.core.closing import Closing
from tests.fixtures.clients import Connect
from tests.fixtures.processes import Launch
from tests.fixtures.proxies import Through
from tests.fixtures.servers import Serve
from tests.support.client import Client
from tests.support.pages import blocks
from tests.support.process import ROOT, START_SECONDS, HearthProcess
from tests.support.proxy import Proxy
from tests.support.tokens import ALICE, BOB, token

PAGE = ROOT / "docs/clients-other.md"
PYTHON, MANY_CHANNELS = blocks(PAGE, "python")
[JAVASCRIPT] = blocks(PAGE, "js")

PROGRAMS = ("program.py", "program.mjs")

StartProgram = Callable[..., Awaitable[Process]]


@pytest.fixture
def start_program(launch: Launch, tmp_path: Path) -> StartProgram:
    """Return a function that starts a program of the page, by its file name."""
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")

    async def start(name: str, url: str, token: str = ALICE) -> Process:
        is_python = name.endswith(".py")
        (tmp_path / name).write_text(PYTHON if is_python else JAVASCRIPT)
        interpreter = sys.executable if is_python else shutil.which("node")
        assert interpreter
        url = url.replace("http", "ws", 1) if is_python else url
        return await launch(interpreter, tmp_path / name, HEARTH_URL=url, TOKEN=token)

    return start


@pytest.fixture
async def proxy(processes: list[HearthProcess], through: Through) -> Proxy:
    """What is between a program and the first process."""
    return await through(processes[0].url)


@pytest.fixture
async def bob(processes: list[HearthProcess], connect: Connect) -> Client:
    """Somebody who talks, at the second process."""
    bob = await connect(url=processes[1].url, token=BOB)
    await bob.join()
    return bob


async def until_alice(bob: Client, is_there: bool, channel: str = "dev-team") -> None:
    """Wait until presence has alice, or hasn't."""
    async with asyncio.timeout(30):
        while True:
            members = (await bob.request("presence", {"channel": channel}))["members"]
            if any(one["id"] == "alice" for one in members) == is_there:
                return
            await asyncio.sleep(0.02)


async def printed(program: Process) -> tuple[int, str] | str:
    """Return the next message of a user that a program prints, by offset, or that some are lost."""
    assert program.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        async for line in program.stdout:
            text = line.decode().rstrip()
            if text.startswith("{"):  # the one in Python prints every message whole
                message = ast.literal_eval(text)
                if message["type"] == "user_message":
                    return message["offset"], message["data"]["content"]
                if message["type"] == "discontinuity":
                    return "lost"
            elif text == "some messages are lost":
                return "lost"
            elif ": " in text:
                offset, _colon, content = text.partition(": ")
                return int(offset), content
    raise AssertionError("it has ended")


async def greet(bob: Client, program: Process, name: str) -> None:
    """Have a program print the first message; the one in Python says Hello itself."""
    await until_alice(bob, is_there=True)
    if name == "program.py":
        assert (await bob.next("user_message"))["sender"] == {"id": "alice", "kind": "user"}
    else:
        await bob.say("Hello")
    assert await printed(program) == (1, "Hello")


def test_the_program_gives_up_at_the_codes_that_say_so() -> None:
    [codes] = re.findall(r"close_code not in (\([\d, ]+\))", PYTHON)
    final = {closing.code for closing in Closing if closing.code >= 4000 and not closing.comes_back}
    assert set(ast.literal_eval(codes)) == final


@pytest.mark.parametrize("program", [PYTHON, JAVASCRIPT], ids=PROGRAMS)
def test_a_program_is_short(program: str) -> None:
    lines = [line for line in program.splitlines() if line]
    assert 10 <= len([line for line in lines if not line.startswith(("import", "from"))]) <= 20


@pytest.mark.parametrize("name", PROGRAMS)
async def test_what_was_missed_comes_once_and_in_order(
    processes: list[HearthProcess],
    proxy: Proxy,
    bob: Client,
    start_program: StartProgram,
    name: str,
) -> None:
    program = await start_program(name, proxy.url)
    await greet(bob, program, name)
    await bob.say("before")
    assert await printed(program) == (2, "before")

    proxy.stop()
    await until_alice(bob, is_there=False)
    await bob.say("missed", "also missed")
    proxy.resume()
    assert await printed(program) == (3, "missed")
    assert await printed(program) == (4, "also missed")
    await bob.say("live")
    assert await printed(program) == (5, "live")

    proxy.target = processes[1].url
    await processes[0].stop(signal.SIGKILL)
    await bob.say("while one is dead")
    assert await printed(program) == (6, "while one is dead")
    await bob.say("at the other one")
    assert await printed(program) == (7, "at the other one")


@pytest.mark.parametrize("name", PROGRAMS)
async def test_what_cannot_be_had_is_told(
    serve: Serve, connect: Connect, start_program: StartProgram, through: Through, name: str
) -> None:
    server = await serve(history_size=2)
    url = str(server.make_url("")).rstrip("/")
    proxy = await through(url)
    bob = await connect(url=url, token=BOB)
    await bob.join()
    program = await start_program(name, proxy.url)
    await greet(bob, program, name)
    proxy.stop()
    await until_alice(bob, is_there=False)
    await bob.say("1", "2", "3", "4")
    proxy.resume()
    assert await printed(program) == "lost"


async def test_who_may_not_come_in_is_told_why_and_stays_away(
    serve: Serve, start_program: StartProgram
) -> None:
    url = str((await serve()).make_url("")).rstrip("/")
    stranger = token("alice", "user", "circles:another:rw")
    program = await start_program("program.py", url, token=stranger)
    said, _errors = await program.communicate()
    [refusal] = said.decode().splitlines()
    assert ast.literal_eval(refusal)["data"]["code"] == "forbidden"
    program = await start_program("program.mjs", url, token=stranger)
    assert program.stderr is not None
    assert b"forbidden" in await program.stderr.readuntil(b"}")
    program = await start_program("program.mjs", url, token="no token")
    assert program.stderr is not None
    assert b"unauthorized" in await program.stderr.readuntil(b"}")


async def test_the_program_of_many_channels_shows_each_message_once(
    processes: list[HearthProcess], proxy: Proxy, connect: Connect, launch: Launch, tmp_path: Path
) -> None:
    channels = {"/circles": "dev-team", "/chat": "support/app-1/chat-1"}
    (tmp_path / "many.py").write_text(MANY_CHANNELS)
    names = [f"{namespace}:{channel}" for namespace, channel in channels.items()]
    url = proxy.url.replace("http", "ws", 1)
    program = await launch(
        sys.executable, tmp_path / "many.py", *names, HEARTH_URL=url, TOKEN=ALICE
    )
    output = program.stdout
    assert output is not None
    clients = {
        namespace: await connect(namespace, BOB, url=processes[1].url) for namespace in channels
    }
    for namespace, client in clients.items():
        await until_alice(client, is_there=True, channel=channels[namespace])

    async def say(text: str) -> None:
        for namespace, client in clients.items():
            await client.say(text, channel=channels[namespace])

    async def shown(text: str) -> None:
        async with asyncio.timeout(START_SECONDS):
            lines = {(await output.readline()).decode().rstrip() for _one in channels}
        assert lines == {f"{one} {text}" for one in channels.items()}

    await say("1")
    await shown("1")
    proxy.cut()
    await say("2")
    await shown("2")
    await say("3")
    await shown("3")


async def test_the_program_of_many_channels_says_what_it_may_not(
    server: TestServer, launch: Launch, tmp_path: Path
) -> None:
    (tmp_path / "many.py").write_text(MANY_CHANNELS)
    url = str(server.make_url("")).rstrip("/").replace("http", "ws", 1)
    who = token("alice", "user", "circles:a:r")
    command = (sys.executable, tmp_path / "many.py", "/circles:secret")
    program = await launch(*command, HEARTH_URL=url, TOKEN=who)
    assert program.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        line = (await program.stdout.readline()).decode()
    assert line.startswith("error The token does not permit reading secret")
