"""`python -m app`: starting, refusing to start, and ending."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import aiohttp
import pytest

from app import __version__
from app.settings import Settings
from tests.fixtures.clients import Connect
from tests.fixtures.processes import Launch, Run
from tests.support.ports import free_port
from tests.support.process import clean_environment
from tests.support.tokens import SECRET

pytestmark = pytest.mark.processes


@pytest.fixture
def template() -> None:
    """Nobody forks: here servers are started as people start them."""


async def start_and_fail(directory: Path, **settings: str) -> tuple[int | None, str]:
    """Run a server that isn't to start; return its exit code and what it wrote."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app"),
        cwd=directory,
        env=clean_environment(**settings),
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        _, stderr = await process.communicate()
    return process.returncode, stderr.decode()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"PORT": "http"}, "PORT"),
        ({"HOST": "0.0.0.0"}, "AUTH_SECRET"),
        ({"HOST": "0.0.0.0", "AUTH_SECRET": "hunter2"}, "AUTH_SECRET"),
        ({"AUTH_SECRET": " "}, "AUTH_SECRET"),
        ({"HOST": "/no/such/folder/hearth.sock", "AUTH_SECRET": SECRET}, "HOST"),
        ({"USER_GRANTS": "chat:{name}:r"}, "USER_GRANTS"),
        ({"REDIS_URL": "http://user:hunter2@localhost"}, "REDIS_URL"),
        ({"HISTORY_SIZE": "-1"}, "HISTORY_SIZE"),
    ],
)
async def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(
    tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    code, stderr = await start_and_fail(tmp_path, **settings)
    assert code == 1
    assert named in stderr
    assert len(stderr.strip().splitlines()) == 1
    assert "hunter2" not in stderr


async def test_a_port_in_use_stops_the_start_with_one_line(tmp_path: Path, run: Run) -> None:
    port = str(free_port())
    await run(PORT=port)
    code, stderr = await start_and_fail(tmp_path, PORT=port)
    assert code == 1
    assert [line for line in stderr.splitlines() if port in line and "PORT" in line]
    assert "Traceback" not in stderr


@pytest.fixture
def with_hangups() -> Iterator[None]:
    """Let processes hear of hangups, which `nohup make test` would have them ignore."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("with_hangups")
@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_closes_idle_members_and_ends_the_process(
    run: Run, connect: Connect, signum: int, transport: str
) -> None:
    process = await run()
    client = await connect(url=process.url, transports=[transport])
    # Stock waits for the client's ping to time out, for 43.7 s; and a PaaS kills after 30.
    async with asyncio.timeout(30):
        assert await process.stop(signum) == 0
        await client.disconnected.wait()
    assert [line for line in process.log if line.get("event") == "stopped"]


async def test_under_nohup_it_goes_on_when_the_terminal_is_gone(
    tmp_path: Path, launch: Launch, session: aiohttp.ClientSession
) -> None:
    command = ("nohup", sys.executable, "-m", "app")
    process = await launch(*command, PORT="0", AUTH_SECRET=SECRET, LOG_FORMAT="json")
    assert process.stderr is not None
    url = ""
    while not url:
        line = (await process.stderr.readline()).decode()
        url = json.loads(line).get("url", "") if line.startswith("{") else ""
    process.send_signal(signal.SIGHUP)
    for _time in range(2):  # the second is asked once the signal has been handled
        async with session.get(f"{url}/healthz") as response:
            assert response.status == 200
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


async def test_it_says_that_everybody_is_let_in(run: Run) -> None:
    process = await run(AUTH_SECRET="")
    warning = next(line for line in process.log if line.get("level") == "warning")
    assert "AUTH_SECRET" in warning["event"]


async def test_it_says_what_of_its_settings_is_hardly_meant(run: Run) -> None:
    process = await run(
        REDIS_URI="redis://:hunter2@localhost",
        USER_GRANTS="chat:*/{sub}/*:rw,chat:*:r,*:lobby:r",
        ANONYMOUS_GRANTS="circel:lobby:r",
    )
    warnings = [str(line) for line in process.log if line.get("level") == "warning"]
    for named in (("REDIS_URI", "REDIS_URL"), ("ANONYMOUS_GRANTS", "circel:lobby:r", "circles")):
        assert [text for text in warnings if all(name in text for name in named)], warnings
    assert [text for text in warnings if "USER_GRANTS" in text and "chat:*:r" in text]
    assert [text for text in warnings if "USER_GRANTS" in text and "*:lobby:r" in text]
    assert not [text for text in warnings if "chat:*/{sub}/*:rw" in text or "hunter2" in text]


def ask(directory: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=directory,
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_setting(tmp_path: Path) -> None:
    result = ask(tmp_path, "--help", PORT="wrong")
    assert (result.returncode, result.stderr) == (0, "")
    for setting in fields(Settings):
        assert f"  {setting.name.upper()} = " in result.stdout


def test_the_version(tmp_path: Path) -> None:
    assert ask(tmp_path, "--version").stdout == f"Hearth {__version__}\n"


def test_what_nobody_knows_is_refused(tmp_path: Path) -> None:
    result = ask(tmp_path, "chekc")
    assert (result.returncode, result.stdout) == (2, "")
    assert "chekc" in result.stderr


def test_check_says_what_the_settings_are_and_mean_without_a_secret(tmp_path: Path) -> None:
    secrets = {
        "AUTH_SECRET": "hunter2 " * 4,
        "METRICS_TOKEN": "hunter2",
        "REDIS_URL": "rediss://hunter2:hunter2@localhost:6380/1?password=hunter2",
    }
    result = ask(tmp_path, "check", PORT="9000", AUTH_SECRETS="x", **secrets)
    assert (result.returncode, result.stderr) == (0, "")
    assert "PORT = 9000\n" in result.stdout
    assert "AUTH_SECRET = a secret of 32 bytes\n" in result.stdout
    assert "METRICS_TOKEN = a secret of 7 bytes\n" in result.stdout
    assert "AUTH_MODE = required\n" in result.stdout
    assert "REDIS_URL = rediss://localhost:6380/1\n" in result.stdout
    assert "PING_SECONDS = 25 (default)\n" in result.stdout
    assert "variable=AUTH_SECRETS meant=AUTH_SECRET\n" in result.stdout
    assert "hunter2" not in result.stdout


def test_check_fails_where_the_server_would(tmp_path: Path) -> None:
    result = ask(tmp_path, "check", HOST="0.0.0.0")
    assert result.returncode == 1
    assert "AUTH_SECRET" in result.stderr


async def test_a_development_server_answers_to_its_own_names_only(run: Run) -> None:
    process = await run(AUTH_SECRET="")
    async with aiohttp.ClientSession() as session:
        for host, status in (("localhost", 200), ("[::1]:1", 200), ("rebound.example", 403)):
            async with session.get(process.url, headers={"Host": host}) as response:
                assert response.status == status


async def test_pages_of_other_origins_are_refused(run: Run) -> None:
    process = await run(ALLOWED_ORIGINS="https://app.example.com")
    poll = f"{process.url}/socket.io/?EIO=4&transport=polling"
    async with aiohttp.ClientSession() as session:
        for origin, status in (("https://app.example.com", 200), ("https://evil.example", 403)):
            async with session.get(poll, headers={"Origin": origin}) as response:
                assert response.status == status
