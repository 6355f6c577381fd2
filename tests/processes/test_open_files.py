"""A server at its limit of open files: it says so, and its health can be asked for."""

from __future__ import annotations

import asyncio
import resource
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiohttp
import pytest

from tests.support.client import PATIENCE_SECONDS
from tests.support.process import PROGRAM, HearthProcess

pytestmark = pytest.mark.processes

SOFT, HARD = 100, 200
RunLimited = Callable[[int, int], Awaitable[HearthProcess]]
POLL = "/socket.io/?EIO=4&transport=polling"


class LimitedProcess(HearthProcess):
    """A server that may open few files."""

    def __init__(self, directory: Path, soft: int, hard: int) -> None:
        super().__init__(directory)
        self._limits = soft, hard

    async def _start(self) -> asyncio.subprocess.Process:
        limits = self._limits
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", PROGRAM),
            cwd=self._directory,
            env=self._environment,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits),
        )


@pytest.fixture
async def run_limited(tmp_path: Path) -> AsyncIterator[RunLimited]:
    """Return a function that runs a server with a soft and a hard limit."""
    async with AsyncExitStack() as stack:

        async def run(soft: int, hard: int) -> HearthProcess:
            process = await LimitedProcess(tmp_path, soft, hard).start()
            stack.push_async_callback(process.stop)
            return process

        yield run


async def test_the_soft_limit_is_raised_to_the_hard_one(run_limited: RunLimited) -> None:
    process = await run_limited(SOFT, HARD)
    line = await process.logged("raised the limit of open files")
    assert (line["was"], line["now"]) == (SOFT, HARD)
    assert resource.prlimit(process.process.pid, resource.RLIMIT_NOFILE) == (HARD, HARD)


async def test_at_the_limit_the_log_says_so_and_health_is_answered(run_limited: RunLimited) -> None:
    process = await run_limited(HARD, HARD)
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        opened: list[aiohttp.ClientWebSocketResponse] = []
        with suppress(aiohttp.WSServerHandshakeError):
            while len(opened) < 2 * HARD:
                url = f"{process.url}/socket.io/?EIO=4&transport=websocket"
                opened.append(await session.ws_connect(url))
        assert HARD // 2 < len(opened) < HARD
        async with session.get(f"{process.url}{POLL}") as refused:
            assert refused.status == 503
            assert (await refused.json())["error"]["reason"] == "files"
        line = await process.logged("refused")
        assert (line["reason"], line["limit"]) == ("files", str(HARD))
        assert line["admitted_by"] == "ulimit -n"
        for path in ("/healthz", "/readyz", "/metrics"):
            async with session.get(f"{process.url}{path}") as healthy:
                assert healthy.status == 200
        # Who is in stays in; and once others have left, there is room again.
        await opened[0].send_str("40/circles,")
        await opened[0].receive(PATIENCE_SECONDS)
        for one in opened[1:]:
            await one.close()
        async with session.get(f"{process.url}{POLL}") as admitted:
            assert admitted.status == 200


async def test_who_takes_the_last_connections_in_silence_is_told_of(
    run_limited: RunLimited,
) -> None:
    process = await run_limited(HARD, HARD)
    port = int(process.url.rpartition(":")[2])
    silent: list[socket.socket] = []
    for _number in range(HARD):
        silent.append(socket.socket())
        silent[-1].setblocking(False)
        silent[-1].connect_ex(("127.0.0.1", port))
    line = await process.logged("refused")
    assert line["reason"] == "files"
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{process.url}/healthz") as healthy,
    ):
        assert healthy.status == 200
    for one in silent:
        one.close()
