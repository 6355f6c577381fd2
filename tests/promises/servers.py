"""Server processes that are killed and started again on their ports."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.support.links import Links
from tests.support.ports import free_port
from tests.support.process import PROGRAM, UNLIMITED, HearthProcess
from tests.support.template import Template
from tests.support.tokens import SECRET

#: What a server may log as an error: Redis was in trouble, as it should be here.
EXPECTED_ERRORS: Final = frozenset(
    {
        "Redis can't be reached; trying again until it can",
        "Redis does not answer",
        "nothing comes back from Redis",
        "no process received what workers emitted meanwhile",
    }
)


class Life(NamedTuple):
    """From when to when a process ended, by the event loop's clock; it was born before."""

    born: float
    end_began: float
    ended: float


class Server:
    """One port, and the process that serves there.

    Args:
        directory: where it runs.
        settings: environment variables.
        template: who forks it.
        module: whose `main` it runs.
        links: its way to Redis, if that can fail.
    """

    def __init__(
        self,
        number: int,
        directory: Path,
        settings: dict[str, str],
        template: Template,
        module: str = PROGRAM,
        links: Links | None = None,
    ) -> None:
        self.number = number
        self.links = links
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.up = False
        self.stopped = False
        self.lives: list[Life] = []
        self.faults: list[str] = []  # what it did of itself
        self._directory = directory
        self._module = module
        self._template = template
        self._settings = {**settings, "PORT": str(self.port)}
        if links is not None:
            self._settings["REDIS_URL"] = links.url
        self._process: HearthProcess | None = None
        self._born = 0.0

    async def start(self) -> None:
        """Start a process and wait until it serves."""
        self._born = asyncio.get_running_loop().time()
        self._process = HearthProcess(
            self._directory, self._module, self._template, **self._settings
        )
        await self._process.start()
        self.up = True

    async def end(self, signum: int) -> None:
        """Have it end by a signal, and keep what its log shows."""
        if self._process is None:
            return
        began = asyncio.get_running_loop().time()
        process, self._process = self._process, None
        self.up = False
        died = process.process.returncode
        code = await process.stop(signum)
        self.lives.append(Life(self._born, began, asyncio.get_running_loop().time()))
        if died is not None:
            self.faults.append(f"server {self.number} had ended by itself, with code {died}")
        elif signum == signal.SIGTERM and code not in {0, -signal.SIGTERM}:
            self.faults.append(f"server {self.number} ended with code {code}")
        self.faults += [
            f"server {self.number}: {line}" for line in process.log if _is_a_fault(line)
        ]

    def note_deaf(self, since: float) -> None:
        """Note that what Redis sent it at that time, and just after, may be lost."""
        self.lives.append(Life(since, since, asyncio.get_running_loop().time()))

    def signal(self, signum: int) -> None:
        """Have the process do what it does at a signal that doesn't end it."""
        if self._process is not None:
            self._process.process.send_signal(signum)

    async def stop_for(self, seconds: float) -> None:
        """Stop the process, and let it go on after so many seconds."""
        if self._process is None:
            return
        process = self._process.process
        self.stopped = True
        try:
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(seconds)
        finally:
            self.stopped = False
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)


def _is_a_fault(line: dict[str, Any]) -> bool:
    if line.get("raw"):
        return True
    return (
        line.get("level") in {"error", "critical"}
        and line.get("of", line["event"]) not in EXPECTED_ERRORS
    )


class Servers:
    """All of them.

    Args:
        directory: where they run, and nothing is.
        template: who forks them.
        further: environment variables.
        module: whose `main` each runs.
        links: the way of each to Redis, if they can fail.
    """

    def __init__(
        self,
        count: int,
        directory: Path,
        redis_url: str,
        template: Template,
        further: dict[str, str] | None = None,
        module: str = PROGRAM,
        links: Sequence[Links] = (),
    ) -> None:
        settings = {
            "REDIS_URL": redis_url,
            "AUTH_SECRET": SECRET,
            "HISTORY_SIZE": "1000000",  # so that whatever was missed can be had
            **UNLIMITED,
            "MAX_UNSENT_BYTES": "16777216",
            "PING_SECONDS": "2",
            "PING_TIMEOUT_SECONDS": "3",
            **(further or {}),
        }
        self.all = [
            Server(number, directory, settings, template, module, way)
            for number, way in enumerate(links or count * [None], start=1)
        ]

    async def start(self) -> None:
        """Start all."""
        await asyncio.gather(*(server.start() for server in self.all))

    async def close(self) -> None:
        """End all."""
        await asyncio.gather(*(server.end(signal.SIGTERM) for server in self.all))

    def any_url(self, randomly: random.Random) -> str:
        """Return where to connect: to one that is up, whether it is stopped or not."""
        up = [server for server in self.all if server.up]
        return randomly.choice(up or self.all).url

    def running(self) -> list[Server]:
        """Return those that neither are down nor stopped."""
        return [server for server in self.all if server.up and not server.stopped]
