"""What a process without members pays for what the others publish.

Two processes share a Redis. One has a connection that is in 1,000 channels; 2,000 messages a second
are published into them, first by a client of that process, then by stock managers, as workers have
them. Beside Hearth stands stock python-socketio with `AsyncRedisManager`.

    python -m bench.idle_process [--seconds 10] [--rate 2000] [--channels 1000] [--servers …]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import socketio

from bench.proc import cpu_seconds
from bench.servers import ROOT
from tests.support.ports import free_port

NAMESPACE: Final = "/circles"
CONTENT: Final = "x" * 200
WARM_UP_SECONDS: Final = 2.0
START_SECONDS: Final = 20.0
WORKERS: Final = 4  # one waits for Redis after each emit
SERVERS: Final[dict[str, tuple[str, ...]]] = {
    "hearth": ("-m", "app"),
    "python-socketio": ("bench/peers/python_socketio.py",),
    "python-socketio-uvloop": ("bench/peers/python_socketio.py", "--uvloop"),
}


class Members:
    """One connection in all channels, which may also publish; it counts what it gets.

    It is bare WebSocket frames, so that it takes little of the machine.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.received = 0
        self._socket = socket
        self._acks: dict[int, asyncio.Future[None]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    @asynccontextmanager
    async def connect(cls, port: int) -> AsyncIterator[Members]:
        """Connect to the namespace."""
        url = f"http://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            await socket.receive_str()
            await socket.send_str(f"40{NAMESPACE},")
            while not (await socket.receive_str()).startswith("40"):
                pass
            members = cls(socket)
            try:
                yield members
            finally:
                members._reader.cancel()
                await asyncio.gather(members._reader, return_exceptions=True)

    async def join(self, channel: str) -> None:
        """Join, and wait for the answer."""
        number = len(self._acks)
        self._acks[number] = asyncio.get_running_loop().create_future()
        await self._emit("join", {"channel": channel}, str(number))
        await self._acks[number]

    async def publish(self, channel: str) -> None:
        """Publish, and don't wait."""
        await self._emit("user_message", {"channel": channel, "data": {"content": CONTENT}})

    async def _emit(self, event: str, argument: dict[str, Any], number: str = "") -> None:
        await self._socket.send_str(f"42{NAMESPACE},{number}" + json.dumps([event, argument]))

    async def _read(self) -> None:
        async for message in self._socket:
            if message.data.startswith(f'42{NAMESPACE},["user_message"'):
                self.received += 1
            elif message.data.startswith(f"43{NAMESPACE},"):
                number = message.data[len(f"43{NAMESPACE},") :].partition("[")[0]
                self._acks[int(number)].set_result(None)
            elif message.data == "2":
                await self._socket.send_str("3")


@asynccontextmanager
async def running(command: tuple[str, ...], port: int, **settings: str) -> AsyncIterator[int]:
    """Run something that listens on `port` until the block ends; gives its process id."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env=os.environ | {"PORT": str(port)} | settings,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            while True:
                try:
                    _reader, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
        yield process.pid
    finally:
        process.kill()
        await process.wait()


async def measure(server: str, by: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run one server in two processes under one load; return the figures."""
    command = (sys.executable, *SERVERS[server])
    redis_port, busy_port, idle_port = free_port(), free_port(), free_port()
    url = f"redis://127.0.0.1:{redis_port}/0"
    settings = {"REDIS_URL": url, "AUTH_SECRET": "", "AUTH_MODE": "", "HOST": "127.0.0.1"}
    settings["MESSAGES_PER_SECOND"] = "0"
    with tempfile.TemporaryDirectory() as directory:
        redis = ("redis-server", "--port", str(redis_port), "--save", "", "--dir", directory)
        async with (
            running(redis, redis_port),
            running(command, busy_port, **settings) as busy,
        ):
            await asyncio.sleep(WARM_UP_SECONDS)  # it is the one that takes emits in
            async with (
                running(command, idle_port, **settings) as idle,
                Members.connect(busy_port) as members,
                Members.connect(idle_port),  # stock listens once somebody is there
            ):
                channels = [f"c{number}" for number in range(options.channels)]
                for channel in channels:
                    await members.join(channel)
                workers = [socketio.AsyncRedisManager(url, write_only=True) for _ in range(WORKERS)]
                names = itertools.cycle(channels)

                async def publish() -> int:
                    await members.publish(next(names))
                    return 1

                async def emit() -> int:
                    payload = {"content": CONTENT}
                    emits = [
                        worker.emit("user_message", payload, room=room, namespace=NAMESPACE)
                        for worker, room in zip(workers, names, strict=False)
                    ]
                    await asyncio.gather(*emits)
                    return len(emits)

                load = publish if by == "clients" else emit
                await drive(load, options.rate, WARM_UP_SECONDS)
                before = [cpu_seconds(pid) for pid in (busy, idle)]
                began, had = time.monotonic(), members.received
                await drive(load, options.rate, options.seconds)
                seconds, got = time.monotonic() - began, members.received - had
                after = [cpu_seconds(pid) for pid in (busy, idle)]
                if by == "managers":
                    for worker in workers:
                        await worker.pubsub.aclose()
                        await worker.redis.aclose()
    busy_share, idle_share = (
        100 * (late - early) / seconds for early, late in zip(before, after, strict=True)
    )
    return {
        "server": server,
        "published by": by,
        "messages/s": round(got / seconds),
        "busy process, % of a core": round(busy_share, 1),
        "idle process, % of a core": round(idle_share, 1),
        "µs of it per message": round(idle_share * 10_000 * seconds / max(1, got), 1),
    }


async def drive(load: Callable[[], Awaitable[int]], rate: int, seconds: float) -> None:
    """Publish at a fixed rate, if that can be had."""
    began = time.monotonic()
    sent = 0
    while (passed := time.monotonic() - began) < seconds:
        while sent < passed * rate < rate * seconds:
            sent += await load()
            passed = time.monotonic() - began
        await asyncio.sleep(0.001)


async def main() -> None:
    """Measure all, and print a table."""
    parser = argparse.ArgumentParser(description="What a process without members pays.")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=int, default=2000, help="messages per second")
    parser.add_argument("--channels", type=int, default=1000)
    parser.add_argument("--servers", default=",".join(SERVERS))
    options = parser.parse_args()
    rows = []
    for server in options.servers.split(","):
        for by in ("clients", "managers"):
            rows.append(await measure(server, by, options))
            if len(rows) == 1:
                print("| " + " | ".join(rows[0]) + " |")
                print("|" + "---|" * len(rows[0]))
            print("| " + " | ".join(map(str, rows[-1].values())) + " |", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
