"""Hearth in a process of its own, as `python -m app` runs it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from app.settings import Settings
from tests.support.template import Forked, Template

ROOT = Path(__file__).parents[2]
PROGRAM = "app.__main__"
# A start that fails ends by itself: this is for one that hangs, and pytest ends that soon after.
START_SECONDS = 110.0
#: For tests in which one identity has more connections, or sends more, than people do.
UNLIMITED = {
    "MESSAGES_PER_SECOND": "0",
    "AGENT_MESSAGES_PER_SECOND": "0",
    "MESSAGES_PER_SECOND_PER_IDENTITY": "0",
    "CONNECTIONS_PER_IDENTITY": "0",
}


def clean_environment(**settings: str) -> dict[str, str]:
    """Return this process's environment less whatever configures Hearth, plus `settings`."""
    names = {setting.name.upper() for setting in fields(Settings)}
    environment = {name: value for name, value in os.environ.items() if name not in names}
    return environment | {"PYTHONPATH": str(ROOT), "LOG_FORMAT": "json"} | settings


async def until_line(process: asyncio.subprocess.Process, start: str) -> str:
    """Read a program's lines until one that begins so."""
    assert process.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        async for line in process.stdout:
            if line.decode().startswith(start):
                return line.decode().rstrip()
    raise AssertionError(f"ended without a line {start!r}")


class HearthProcess:
    """One server process; `log` holds what it has logged.

    Args:
        directory: where it runs.
        module: whose `main` it runs.
        template: who forks it; None: it is started as `python -m` does.
        settings: environment variables.
    """

    def __init__(
        self,
        directory: Path,
        module: str = PROGRAM,
        template: Template | None = None,
        **settings: str,
    ) -> None:
        self._directory = directory  # without a .env of the developer's
        self._module = module
        self._template = template
        self._environment = clean_environment(**{"PORT": "0", **settings})
        self._reader: asyncio.Task[None] | None = None
        self._lines = asyncio.Condition()
        self._ended = False
        self.log: list[dict[str, Any]] = []
        self.process: asyncio.subprocess.Process | Forked

    async def start(self) -> HearthProcess:
        """Start it and wait until it serves."""
        self.process = await self._start()
        self._reader = asyncio.create_task(self._read())
        await self.logged("serving")
        return self

    async def _start(self) -> asyncio.subprocess.Process | Forked:
        if self._template is not None:
            return await self._template.fork(self._module, self._directory, self._environment)
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", self._module),
            cwd=self._directory,
            env=self._environment,
            stderr=asyncio.subprocess.PIPE,
        )

    @property
    def url(self) -> str:
        """Where it serves."""
        return next(str(line["url"]) for line in self.log if line.get("event") == "serving")

    async def logged(self, event: str) -> dict[str, Any]:
        """Wait for a line of the log and return it."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.log if line.get("event") == event]

        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS), self._lines:
                await self._lines.wait_for(lambda: found() or self._ended)
        assert found(), f"no line {event!r} from {self.process}: {self.log}"
        return found()[0]

    async def stop(self, signum: int = signal.SIGTERM) -> int:
        """Signal it and return its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signum)
        code = await self.process.wait()
        if self._reader is not None:
            await self._reader
        return code

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            async with self._lines:
                try:
                    self.log.append(json.loads(line))
                except ValueError:
                    self.log.append({"event": line.decode().rstrip(), "raw": True})
                self._lines.notify_all()
        async with self._lines:
            self._ended = True
            self._lines.notify_all()
