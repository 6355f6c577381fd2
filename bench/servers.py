"""The servers that are measured: how each is started, in one process or several, and ended."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from bench.redis import running_redis
from tests.support.ports import free_port

ROOT: Final = Path(__file__).resolve().parent.parent
BENCH: Final = ROOT / "bench"
BUILD: Final = BENCH / "build"  # all that a run leaves behind, but for the report
SERVER_CPU: Final = 0
LOAD_CPU: Final = 1

_START_SECONDS: Final = 20.0
_STOP_SECONDS: Final = 10.0

# A .env file or the caller's environment must not make it another server than users have.
_HEARTH_ENVIRONMENT: Final = {
    "AUTH_SECRET": "",
    "AUTH_MODE": "",
    "HOST": "127.0.0.1",
    # Peers have no limits.
    "MESSAGES_PER_SECOND": "0",
    "AGENT_MESSAGES_PER_SECOND": "0",
    "MESSAGES_PER_SECOND_PER_IDENTITY": "0",
    "CONNECTIONS_PER_IDENTITY": "0",
    "REDIS_URL": "",
}


@dataclass(frozen=True, slots=True)
class Server:
    """One of those measured.

    Args:
        title: the head of its column.
        protocol: what bench/load speaks with it: `socketio` or `plain`.
        command: run in the repository's root, with `PORT` in its environment.
        spreads: whether it runs in several processes too, with `REDIS_URL` in their environment.
        recovers: whether it restores connections that were lost, with `RECOVER` in its environment.
        ready: a path that answers 200 once it can serve; '': it can when it listens.
    """

    name: str
    title: str
    protocol: str
    command: tuple[str, ...]
    spreads: bool = False
    recovers: bool = False
    ready: str = ""


_PEERS_PYTHON = "bench/.venv/bin/python"

SERVERS: Final = (
    Server(
        "hearth",
        "Hearth",
        "socketio",
        (sys.executable, "-m", "app"),
        spreads=True,
        recovers=True,
        ready="/readyz",
    ),
    Server(
        "node-socketio",
        "Node socket.io 4.8.4",
        "socketio",
        ("node", "bench/peers/node_socketio.mjs"),
        spreads=True,
        recovers=True,
    ),
    Server("node-ws", "Node ws 8 (plain)", "plain", ("node", "bench/peers/node_ws.mjs")),
    Server(
        "python-socketio",
        "python-socketio 5.18.1",
        "socketio",
        (_PEERS_PYTHON, "bench/peers/python_socketio.py"),
        spreads=True,
    ),
    Server(
        "python-socketio-uvloop",
        "the same on uvloop",
        "socketio",
        (_PEERS_PYTHON, "bench/peers/python_socketio.py", "--uvloop"),
        spreads=True,
    ),
    Server(
        "fastapi",
        "FastAPI, loop of sends (plain)",
        "plain",
        (_PEERS_PYTHON, "bench/peers/fastapi_naive.py"),
    ),
    Server(
        "socketify",
        "uWebSockets with topic publish (plain)",
        "plain",
        (_PEERS_PYTHON, "bench/peers/socketify_topics.py"),
    ),
    Server("c-sends", "C, one send() each (plain)", "plain", ("bench/build/c_sends",)),
)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens: a process or several, and then their Redis too."""

    pids: tuple[int, ...]
    ports: tuple[int, ...]
    redis_pid: int | None = None


@contextmanager
def running(server: Server, processes: int = 1, *, recovers: bool = False) -> Iterator[Running]:
    """Run a server on its own CPU until the block ends; what it prints is in bench/build/logs.

    Several processes share a Redis, fresh as they are, and all of them the CPU.

    Raises:
        RuntimeError: it wasn't ready in time.
    """
    environment = dict(os.environ)
    environment.pop("REDIS_URL", None)
    environment["RECOVER"] = "1" if recovers else ""
    if server.name == "hearth":
        environment |= _HEARTH_ENVIRONMENT
    with ExitStack() as stack:
        redis_pid = None
        if processes > 1:
            redis = stack.enter_context(running_redis(SERVER_CPU, free_port()))
            redis_pid = redis.pid
            environment["REDIS_URL"] = redis.url
        started = [
            stack.enter_context(_process(server, number, environment))
            for number in range(1, processes + 1)
        ]
        yield Running(
            tuple(pid for pid, _ in started), tuple(port for _, port in started), redis_pid
        )


@contextmanager
def _process(
    server: Server, number: int, environment: Mapping[str, str]
) -> Iterator[tuple[int, int]]:
    """Run one of a server's processes; give its id and its port."""
    port = free_port()
    log = BUILD / "logs" / (f"{server.name}.log" if number == 1 else f"{server.name}-{number}.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("wb") as output,
        # taskset becomes the command, so the process is the server itself.
        subprocess.Popen(
            ("taskset", "-c", str(SERVER_CPU), *server.command),
            cwd=ROOT,
            env={**environment, "PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            _await_ready(process, server, port, log)
            yield process.pid, port
        finally:
            _stop(process)


def source_digest() -> str:
    """Return what Hearth's source is now: a run in which it changes has measured two programs."""
    digest = hashlib.sha256()
    for folder in ("app", "namespaces", "schemas"):
        for path in sorted((ROOT / folder).rglob("*.*")):
            if path.suffix not in (".py", ".lua"):
                continue
            digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _await_ready(process: subprocess.Popen[bytes], server: Server, port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if server.ready:
                urlopen(f"http://127.0.0.1:{port}{server.ready}", timeout=1).close()
            else:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:  # a status that isn't 200 is one too
            time.sleep(0.05)
        else:
            return
    how = "was not ready" if process.poll() is None else f"ended with {process.returncode}"
    said = log.read_text(errors="replace").splitlines()
    raise RuntimeError(f"it {how}: {said[-1] if said else 'without a word'}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()  # stock servers wait for their clients, even for those that are gone
