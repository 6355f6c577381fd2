"""The target: `python -m app` in a process of its own, in memory or with a Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple
from urllib.request import urlopen

from tests.support.ports import free_port
from tests.support.process import clean_environment
from tests.support.redis import RedisServer
from tests.support.tokens import SECRET

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 10.0


class Target(NamedTuple):
    """A server that serves.

    Args:
        log: the file that it logs to; None: a pipe that nobody reads.
    """

    pid: int
    port: int
    log: Path | None
    redis: RedisServer | None

    @property
    def logged_bytes(self) -> int:
        """How much it has logged."""
        return self.log.stat().st_size if self.log else 0


@contextmanager
def target(settings: Mapping[str, str], *, redis: bool, deaf: bool, log: Path) -> Iterator[Target]:
    """Run a server until the block ends.

    Args:
        deaf: whether nobody reads its stderr.

    Raises:
        RuntimeError: it isn't ready in time.
    """
    server = RedisServer() if redis else None
    if server is not None:
        server.start()
        settings = {"REDIS_URL": server.url, **settings}
    port = free_port()
    log.parent.mkdir(parents=True, exist_ok=True)
    unread = os.pipe()
    with tempfile.TemporaryDirectory() as folder, log.open("wb") as lines:
        process = subprocess.Popen(
            (sys.executable, "-m", "app"),
            cwd=folder,  # without a .env of the developer's
            env=clean_environment(AUTH_SECRET=SECRET, PORT=str(port), **settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=unread[1] if deaf else lines,
        )
        try:
            _await_ready(process, port, log)
            yield Target(process.pid, port, None if deaf else log, server)
        finally:
            _stop(process)
            for end in unread:
                os.close(end)
            if server is not None:
                server.close()


def _await_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server is not ready: {log.read_text(errors='replace')[-500:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)  # an attack may have stopped it
        process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
