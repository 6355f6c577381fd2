"""A Redis of the test's own, on a free port, that it may kill, freeze and start again."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import redis

from tests.support.ports import free_port


class RedisServer:
    """`redis-server` in the foreground of a subprocess, without persistence.

    With the options `KEPT` it has everything again after a restart; where `SAVE` was asked of it,
    what it had then.
    """

    KEPT = ("--appendonly", "yes", "--appendfsync", "always")

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._directory = tempfile.TemporaryDirectory()
        self.directory = Path(self._directory.name)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            [
                *("redis-server", "--port", str(self.port), "--bind", "127.0.0.1"),
                *("--save", "", "--appendonly", "no", "--dir", self._directory.name),
                *options,
            ],
            stdout=subprocess.DEVNULL,
        )
        client = redis.Redis(port=self.port)
        for _attempt in range(2000):
            try:
                client.ping()
                break
            except redis.AuthenticationError:
                break
            except redis.ConnectionError:
                assert self._process.poll() is None, f"no Redis on port {self.port}"
                time.sleep(0.002)
        client.close()

    def ask(self, *command: str | bytes | float, password: str | None = None) -> Any:
        """Ask it something, on a connection of its own."""
        client = redis.Redis(port=self.port, password=password, decode_responses=True)
        try:
            return client.execute_command(*command)  # type: ignore[no-untyped-call]
        finally:
            client.close()

    def stop(self) -> None:
        """Kill it, with everything in it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stop it from answering without closing a connection."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """End what `freeze` began."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Kill it and remove its files."""
        self.stop()
        self._directory.cleanup()
