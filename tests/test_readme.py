"""What the README shows is what runs."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from pathlib import Path

import pytest

from app.settings import Settings
from tests.fixtures.clients import Connect
from tests.fixtures.processes import Run
from tests.support.process import ROOT, HearthProcess, clean_environment, until_line
from tests.support.redis import RedisServer
from tests.support.tokens import AGENT, ALICE, BOB, token

README = (ROOT / "README.md").read_text()


def block(language: str) -> str:
    """Return the README's one block of code in a language."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return str(code)


def test_the_frontend_is_the_example() -> None:
    assert block("js") == (ROOT / "examples/frontend.mjs").read_text()


async def test_frontend_agent_and_worker_have_a_conversation(
    processes: list[HearthProcess], connect: Connect, redis_server: RedisServer, tmp_path: Path
) -> None:
    one, two = processes
    watcher = await connect(url=two.url, token=BOB)
    await watcher.join()
    await watcher.say("Before", channel="dev-team")
    environment = clean_environment(REDIS_URL=redis_server.url)
    agent = await asyncio.create_subprocess_exec(
        *(sys.executable, ROOT / "examples/agent.py"),
        env=environment | {"HEARTH_URL": one.url, "TOKEN": AGENT},
        stdout=asyncio.subprocess.PIPE,
    )
    assert await until_line(agent, "joined") == "joined dev-team, 2 here"
    node = shutil.which("node")
    assert node
    frontend = await asyncio.create_subprocess_exec(
        *(node, ROOT / "examples/frontend.mjs"),
        env=environment | {"HEARTH_URL": one.url, "TOKEN": ALICE},
        stdout=asyncio.subprocess.PIPE,
    )
    assert await until_line(frontend, "joined") == "joined, 3 here"
    assert await until_line(frontend, "earlier ") == "earlier user_message: Before"
    assert await until_line(frontend, "agent ") == "agent agent-7: You said: Hello"
    assert await until_line(agent, "alice") == "alice: Hello"

    (tmp_path / "worker.py").write_text(block("python"))
    for program in (tmp_path / "worker.py", ROOT / "examples/worker.py"):
        worker = await asyncio.create_subprocess_exec(sys.executable, program, env=environment)
        assert await worker.wait() == 0
    assert await until_line(frontend, "agent ") == "agent 7: The build is green"
    assert await until_line(frontend, "agent ") == "agent 7: Hello from a worker"
    await watcher.next("agent_message", 3)  # in the other process too
    for process in (agent, frontend):
        process.terminate()
        await process.wait()


async def test_the_frontend_says_why_it_was_sent_away(run: Run) -> None:
    process = await run(AUTH_LEEWAY_SECONDS="0")
    node = shutil.which("node")
    assert node
    frontend = await asyncio.create_subprocess_exec(
        *(node, ROOT / "examples/frontend.mjs"),
        env=clean_environment(
            HEARTH_URL=process.url, TOKEN=token("alice", "user", "*:*:rw", expires_in=3)
        ),
        stderr=asyncio.subprocess.PIPE,
    )
    _written, errors = await frontend.communicate()
    assert b"token_expired" in errors


def test_every_setting_is_in_the_table_with_its_default() -> None:
    rows = re.findall(r"^\| (`[A-Z_`, ]+) \| (.+?) \|", README, re.MULTILINE)
    table = {
        name: default
        for names, defaults in rows
        for name, default in zip(
            re.findall(r"[A-Z_]+", names),
            (re.findall(r"`(.+?)`", defaults) or [defaults]) * 2,
            strict=False,
        )
    }
    defaults = Settings()
    for name in Settings.__dataclass_fields__:
        shown = table.pop(name.upper())
        value = getattr(defaults, name)
        if isinstance(value, int | float):
            assert float(shown) == value, name
        elif name not in {"auth_mode", "allowed_origins"}:
            assert shown == (value or "none"), name
    assert table == {}


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
