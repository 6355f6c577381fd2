"""A process that has imported what Hearth stands on, and forks Hearths: most of a start is imports.

Hearth itself is imported by each of them, as `python -m` does, so nothing that it keeps is shared.
`python -m tests.support.template FD` takes its orders from the socket FD, and ends with it.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import aiohttp.web
import hiredis
import jwt
import marshmallow
import orjson
import redis.asyncio
import socketio
import structlog
import uvloop

LIBRARIES: Final = (
    *(aiohttp.web, hiredis, jwt, marshmallow, orjson, redis.asyncio, socketio, structlog, uvloop),
)
_LONGEST_ORDER_BYTES: Final = 100_000
_LONGEST_NEWS_BYTES: Final = 20
_ROOT: Final = Path(__file__).parents[2]


class Forked:
    """A process that a template has forked; feels like asyncio's `Process`."""

    def __init__(self, pid: int, stderr: asyncio.StreamReader, news: socket.socket) -> None:
        self.pid = pid
        self.stderr = stderr
        self._exit = asyncio.create_task(_until_exit(news))

    @property
    def returncode(self) -> int | None:
        """What it has ended with; None as long as it runs."""
        return self._exit.result() if self._exit.done() else None

    def send_signal(self, signum: int) -> None:
        """Send it a signal, if it is still there."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signum)

    async def wait(self) -> int:
        """Return what it ends with."""
        return await asyncio.shield(self._exit)


async def _until_exit(news: socket.socket) -> int:
    with news:
        return int(await asyncio.get_running_loop().sock_recv(news, _LONGEST_NEWS_BYTES))


class Template:
    """The process, as tests have it."""

    def __init__(self) -> None:
        self._orders, its_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its_end:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.template", str(its_end.fileno())],
                cwd=_ROOT,
                pass_fds=[its_end.fileno()],
                start_new_session=True,  # whoever interrupts pytest has it close this in its turn
            )

    async def fork(self, module: str, directory: Path, environment: dict[str, str]) -> Forked:
        """Run a module's `main` in a process of its own, whose stderr is read."""
        loop = asyncio.get_running_loop()
        order = json.dumps([module, str(directory), environment]).encode()
        read_end, write_end = os.pipe()
        news, its_news = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with os.fdopen(write_end) as its_stderr, its_news:
            socket.send_fds(self._orders, [order], [its_stderr.fileno(), its_news.fileno()])
        stderr = asyncio.StreamReader()
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stderr), os.fdopen(read_end)
        )
        news.setblocking(False)
        pid = int(await loop.sock_recv(news, _LONGEST_NEWS_BYTES))
        return Forked(pid, stderr, news)

    def close(self) -> None:
        """End it."""
        self._orders.close()
        self._process.wait()


def take_orders(orders: socket.socket) -> str:
    """Fork at each order; return, in the new process, the module that is to be run.

    Between this process and each that runs a module is one that tells of its end.
    """
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        order, descriptors, _, _ = socket.recv_fds(orders, _LONGEST_ORDER_BYTES, 2)
        if not order:
            sys.exit()
        if os.fork():
            for descriptor in descriptors:
                os.close(descriptor)
            continue
        orders.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        stderr, news = descriptors
        pid = os.fork()
        if pid:
            os.close(stderr)
            os.write(news, str(pid).encode())
            _, status = os.waitpid(pid, 0)
            os.write(news, str(os.waitstatus_to_exitcode(status)).encode())
            os._exit(0)
        os.close(news)
        os.dup2(stderr, sys.stderr.fileno())
        os.close(stderr)
        module, directory, environment = json.loads(order)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(directory)
        return str(module)


def main() -> None:
    """Take orders; in each process that is forked, do what it was forked for."""
    module: Any = importlib.import_module(take_orders(socket.socket(fileno=int(sys.argv[1]))))
    module.main()


if __name__ == "__main__":
    main()
