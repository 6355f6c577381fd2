"""What every run stands on: a Redis, server processes, and an end at which they are looked at."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tests.promises.checker import Finding
from tests.promises.connection import all_closed
from tests.promises.servers import Servers
from tests.support.links import Links
from tests.support.process import PROGRAM
from tests.support.redis import RedisServer
from tests.support.template import Template

Say = Callable[[str], None]


class Report(Protocol):
    """What came of a run."""

    findings: list[Finding]

    def lines(self) -> Iterator[str]:
        """Return the lines to print."""


AnyReport = TypeVar("AnyReport", bound=Report)


async def perform(
    act: Callable[[Servers, RedisServer, Say], Awaitable[AnyReport]],
    count: int,
    say: Say,
    settings: dict[str, str] | None = None,
    module: str = PROGRAM,
    *,
    apart: bool = False,
) -> AnyReport:
    """Run something on fresh servers; what these have done wrong of themselves is in its report.

    Args:
        act: is given the servers, their Redis, and what it may tell of itself through.
        count, settings, module: as `Servers` takes them.
        apart: whether each server has a way of its own to Redis, which can fail.
        say: is told what happens, with the seconds since the begin.
    """
    began = time.monotonic()

    def say_when(text: str) -> None:
        say(f"{time.monotonic() - began:7.2f} s  {text}")

    redis_server, template = RedisServer(), Template()
    redis_server.start()
    links = [await Links(redis_server.url).start() for _ in range(count)] if apart else []
    try:
        with tempfile.TemporaryDirectory() as directory:
            servers = Servers(
                count, Path(directory), redis_server.url, template, settings, module, links
            )
            try:
                await servers.start()
                report = await act(servers, redis_server, say_when)
            finally:
                await all_closed()
                await servers.close()
            faults = [fault for server in servers.all for fault in server.faults]
            report.findings += [Finding("broken", fault) for fault in faults]
            return report
    finally:
        for one in links:
            await one.close()
        template.close()
        redis_server.close()


def tell(performance: Coroutine[Any, Any, Report]) -> int:
    """Run to the end and print the report; return the exit status."""
    report = asyncio.run(performance)
    for line in report.lines():
        say(line)
    return 1 if report.findings else 0


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)
