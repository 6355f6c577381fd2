"""The servers that are measured: how each is started, and ended."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
    "MESSAGES_PER_SECOND": "0",
    "REDIS_URL": "",
}


@dataclass(frozen=True, slots=True)
class Server:
    """One of those measured.

    Args:
        title: the head of its column.
        protocol: what bench/load speaks with it: `socketio` or `plain`.
        command: run in the repository's root, with `PORT` in its environment.
    """

    name: str
    title: str
    protocol: str
    command: tuple[str, ...]


_PEERS_PYTHON = "bench/.venv/bin/python"

SERVERS: Final = (
    Server("hearth", "Hearth", "socketio", (sys.executable, "-m", "app")),
    Server(
        "node-socketio",
        "Node socket.io 4.8.4",
        "socketio",
        ("node", "bench/peers/node_socketio.mjs"),
    ),
    Server("node-ws", "Node ws 8 (plain)", "plain", ("node", "bench/peers/node_ws.mjs")),
    Server(
        "python-socketio",
        "python-socketio 5.18.1",
        "socketio",
        (_PEERS_PYTHON, "bench/peers/python_socketio.py"),
    ),
    Server(
        "python-socketio-uvloop",
        "the same on uvloop",
        "socketio",
        (_PEERS_PYTHON, "bench/peers/python_socketio.py", "--uvloop"),
    ),
    Server(
        "fastapi",
        "FastAPI, loop of sends (plain)",
        "plain",
        (_PEERS_PYTHON, "bench/peers/fastapi_naive.py"),
    ),
    Server("c-sends", "C, one send() each (plain)", "plain", ("bench/build/c_sends",)),
)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens."""

    pid: int
    port: int


@contextmanager
def running(server: Server) -> Iterator[Running]:
    """Run a server on its own CPU until the block ends; what it prints is in bench/build/logs.

    Raises:
        RuntimeError: it didn't listen in time.
    """
    port = free_port()
    environment = os.environ | {"PORT": str(port)}
    if server.name == "hearth":
        environment |= _HEARTH_ENVIRONMENT
    log = BUILD / "logs" / f"{server.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("wb") as output,
        # taskset becomes the command, so the process is the server itself.
        subprocess.Popen(
            ("taskset", "-c", str(SERVER_CPU), *server.command),
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            _await_port(process, port, log)
            yield Running(process.pid, port)
        finally:
            _stop(process)


def source_digest() -> str:
    """Return what Hearth's source is now: a run in which it changes has measured two programs."""
    digest = hashlib.sha256()
    for folder in ("app", "namespaces", "schemas"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def free_port() -> int:
    """Return a TCP port that nothing listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    how = "did not listen" if process.poll() is None else f"ended with {process.returncode}"
    said = log.read_text(errors="replace").splitlines()
    raise RuntimeError(f"it {how}: {said[-1] if said else 'without a word'}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()  # stock servers wait for their clients, even for those that are gone
