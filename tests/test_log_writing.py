"""Logs that nobody reads stop nobody, and lines that strangers cause are few."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from app.core.sampler import LINES, REASONS
from app.log_writer import MOST_BYTES
from app.transport.frames import TEXT
from tests.support.ports import free_port
from tests.support.process import clean_environment
from tests.support.raw import masked
from tests.support.ready import until_status
from tests.support.tokens import SECRET

pytestmark = pytest.mark.processes

DROPPED: Final = "dropped lines of the log, for nobody read them"
ENDS_SECONDS: Final = 60
#: The script's lines: some 6 MB, of which a pipe and the queue take little more than one.
MANY: Final = 3_000

SCRIPT = """
import sys
import structlog
from app.logs import logging_to_stderr
from app.settings import Settings

log = structlog.get_logger("hearth.tests")
with logging_to_stderr(Settings(log_format="json", log_level="debug")) as logs:
    for number in range({many}):
        log.debug("a line", number=number, **dict.fromkeys("abcd", "x" * 500))
    print(logs.dropped, flush=True)
    {then}
"""
HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n"
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@contextmanager
def run_script(directory: Path, then: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Run the script; its stderr is a pipe, which is read when the test does so."""
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(many=MANY, then=then)],
        cwd=directory,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        yield process
        process.kill()


def read_lines(text: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_who_logs_does_not_wait_for_who_reads_and_is_told_what_was_lost(tmp_path: Path) -> None:
    with run_script(tmp_path, then="sys.stdin.read()") as process:
        assert process.stdout is not None
        dropped = int(process.stdout.readline())  # all is logged, and nothing has been read
        assert dropped > 0
        _, text = process.communicate(timeout=ENDS_SECONDS)
    lines = read_lines(text)
    assert len(text) < 2 * MOST_BYTES
    numbers = [line["number"] for line in lines if line["event"] == "a line"]
    assert numbers == list(range(len(numbers)))  # the oldest, in order
    told = sum(line["lines"] for line in lines if line["event"] == DROPPED)
    assert told == dropped == MANY - len(numbers)


def test_a_process_whose_log_nobody_reads_ends_all_the_same(tmp_path: Path) -> None:
    for then, code in (("", 0), ("raise ValueError('no')", 1)):
        with run_script(tmp_path, then) as process:
            assert process.wait(ENDS_SECONDS) == code


def test_a_last_traceback_comes_out_behind_all_that_was_logged(tmp_path: Path) -> None:
    script = SCRIPT.format(many=100, then="raise ValueError('at last')")
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=ENDS_SECONDS,
        check=False,
    )
    lines = result.stderr.splitlines()
    assert [json.loads(line)["number"] for line in lines[:100]] == list(range(100))
    assert lines[100].startswith("Traceback")
    assert lines[-1] == "ValueError: at last"
    assert result.returncode == 1


def test_a_log_whose_reader_is_gone_stops_nobody(tmp_path: Path) -> None:
    with run_script(tmp_path, then="sys.stdin.read()") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stderr.close()
        assert int(process.stdout.readline()) > 0
        process.stdin.close()
        assert process.wait(ENDS_SECONDS) == 0


class Unread:
    """A server whose stderr is a full pipe; `read` begins to read it.

    Args:
        filler: bytes that were in the pipe before.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, url: str, port: int, pipe: int, filler: int
    ) -> None:
        self.process = process
        self.url = url
        self.port = port
        self._pipe = pipe
        self._filler = filler

    async def stop(self) -> list[dict[str, Any]]:
        """Read what it has logged, stop it, and return all lines of its log."""
        reading = asyncio.create_task(asyncio.to_thread(self._read))
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(ENDS_SECONDS):
            assert await self.process.wait() == 0
        return read_lines((await reading)[self._filler :])

    def _read(self) -> bytes:
        os.set_blocking(self._pipe, True)
        text = b""
        while some := os.read(self._pipe, 65_536):
            text += some
        return text


@asynccontextmanager
async def unread_server(directory: Path) -> AsyncIterator[Unread]:
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    filler = 0
    with suppress(BlockingIOError):
        while True:
            filler += os.write(write_end, b"x")
    os.set_blocking(write_end, True)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app"),
        cwd=directory,
        env=clean_environment(PORT=str(port), AUTH_SECRET=SECRET),
        stderr=write_end,
    )
    os.close(write_end)
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(ENDS_SECONDS):
            while True:
                with suppress(aiohttp.ClientError):
                    await until_status(url)
                    break
                await asyncio.sleep(0.05)
        yield Unread(process, url, port, read_end, filler)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        os.close(read_end)


async def send_garbage(port: int, number: int) -> None:
    """Break the protocol, of HTTP or of Socket.IO, and wait until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    if number % 2:
        writer.write(b"\x00\x1b[31m garbage %d\r\n\r\n" % number)
    else:
        writer.write(HANDSHAKE + masked(TEXT, b"4x%d" % number))
    with suppress(ConnectionError):
        await reader.read()
    writer.close()


async def test_a_server_whose_log_nobody_reads_serves_on_and_tells_of_garbage_in_few_lines(
    tmp_path: Path,
) -> None:
    attempts, at_once = 5_000, asyncio.Semaphore(50)

    async def attempt(number: int) -> None:
        async with at_once:
            await send_garbage(server.port, number)

    async with unread_server(tmp_path) as server:
        await asyncio.gather(*map(attempt, range(attempts)))
        await until_status(server.url)
        lines = await server.stop()
    broken = [line for line in lines if line["event"].startswith("closed a connection that broke")]
    assert len(broken) <= LINES * REASONS
    told = [line for line in lines if line.get("of") == broken[0]["event"]]
    assert len(broken) + sum(line["more"] for line in told) == attempts // 2
    refused = [line for line in lines if line["event"] == "refused"]
    more = sum(line["more"] for line in lines if line["event"] == "refused more of the same")
    assert len(refused) + more == attempts // 2
    assert {line["event"] for line in lines} >= {"serving", "stopped"}
    assert len(lines) < 100
