"""A Redis for one run: fresh, on the servers' CPU, keeping nothing on disk."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from redis import ConnectionError as NotConnected
from redis import Redis

_START_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class RunningRedis:
    """One that answers."""

    pid: int
    url: str


@contextmanager
def running_redis(cpu: int, port: int) -> Iterator[RunningRedis]:
    """Run redis-server until the block ends.

    Raises:
        RuntimeError: there is none, or it doesn't answer in time.
    """
    if shutil.which("redis-server") is None:
        raise RuntimeError("redis-server is missing: make bench installs it")
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            (
                *("taskset", "-c", str(cpu), "redis-server", "--bind", "127.0.0.1"),
                *("--port", str(port), "--save", "", "--appendonly", "no", "--dir", folder),
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        ) as process,
    ):
        try:
            _await_answer(process, port)
            yield RunningRedis(process.pid, f"redis://127.0.0.1:{port}/0")
        finally:
            process.kill()


def _await_answer(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with Redis(port=port) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                client.ping()
            except NotConnected:
                time.sleep(0.02)
            else:
                return
    raise RuntimeError("redis-server does not answer")
