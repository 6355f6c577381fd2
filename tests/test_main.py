"""`python -m app`: starting, refusing to start, and ending."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.fixtures.clients import Connect
from tests.fixtures.processes import Run
from tests.support.process import clean_environment
from tests.support.redis import free_port

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


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
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


async def test_it_says_that_everybody_is_let_in(run: Run) -> None:
    process = await run(AUTH_SECRET="")
    warning = next(line for line in process.log if line.get("level") == "warning")
    assert "AUTH_SECRET" in warning["event"]


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
