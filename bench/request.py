"""What a request costs without sockets: frames in, acks out, in one process: `make bench-request`.

The kernel's part is left out, so that a change of a tenth of a microsecond shows.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from typing import Final

import uvloop
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from app.app_keys import SERVER
from app.application import create_app
from app.auth import DEVELOPMENT_SECRET, make_token
from app.core.identity import Identity, parse_grants
from app.realtime.server import Server
from app.settings import Settings
from app.transport.handshake import Handshake
from app.transport.takeover import Upgraded
from app.transport.websocket import WebSocket

_CONNECTIONS: Final = 100
_CONTENT: Final = b"x" * 200
_PATIENCE_SECONDS: Final = 10.0
_KEY: Final = b"\x37\xfa\x21\x3d"


class Sink(asyncio.Transport):
    """A transport that keeps what was written last, and the socket on it."""

    socket: WebSocket

    def __init__(self) -> None:
        super().__init__()
        self.last = b""
        self.welcomed = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.last = bytes(data)
        if not self.welcomed.is_set() and b"connection_ack" in self.last:
            self.welcomed.set()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, WebSocket)
        self.socket = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


def main() -> None:
    """Print the CPU time of a request, the best of several rounds."""
    parser = argparse.ArgumentParser(prog="python -m bench.request", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--requests", type=int, default=200, help="of each connection in a round")
    parser.add_argument("--limit", type=float, default=0, help="MESSAGES_PER_SECOND")
    arguments = parser.parse_args()
    times = uvloop.run(_measure(arguments.rounds, arguments.requests, arguments.limit))
    best, median = times[0], times[len(times) // 2]
    print(f"CPU of a request: {best:.2f} µs at best, median {median:.2f} µs")


async def _measure(rounds: int, requests: int, limit: float) -> list[float]:
    runner = web.AppRunner(create_app(Settings(messages_per_second=limit)))
    await runner.setup()
    sinks = [await _enter(runner.app[SERVER], number) for number in range(_CONNECTIONS)]
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as app.__main__
    times = []
    for number in range(rounds):
        spent = 0.0
        for ack in range(number * requests, (number + 1) * requests):
            frames = [_publish(channel, ack) for channel in range(_CONNECTIONS)]
            began = time.process_time()
            for sink, frame in zip(sinks, frames, strict=True):
                sink.socket.data_received(frame)
            spent += time.process_time() - began
            for sink in sinks:
                if b'43/circles,%d[{"ok":true,' % ack not in sink.last:
                    raise SystemExit(f"no ack but {sink.last!r}")
        times.append(spent * 1e6 / (requests * _CONNECTIONS))
    await runner.cleanup()
    return sorted(times)


async def _enter(server: Server, number: int) -> Sink:
    """Return the transport of somebody who is in /circles."""
    sink = Sink()
    handshake = Handshake.of(make_mocked_request("GET", "/socket.io/"))
    server.eio.open_websocket(handshake, Upgraded(sink, b"", b""))
    identity = Identity(f"user-{number}", "user", parse_grants(["*:*:rw"]), time.time() + 3600)
    token = make_token(DEVELOPMENT_SECRET, identity)
    sink.socket.data_received(_masked(b'40/circles,{"token":"%b"}' % token.encode()))
    await asyncio.wait_for(sink.welcomed.wait(), _PATIENCE_SECONDS)
    return sink


def _publish(channel: int, ack: int) -> bytes:
    data = b'{"channel":"room-%06d","data":{"content":"%b"}}' % (channel, _CONTENT)
    return _masked(b'42/circles,%d["user_message",%b]' % (ack, data))


def _masked(payload: bytes) -> bytes:
    """Return a text frame as clients send it (RFC 6455 §5.2)."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    key = (_KEY * (size // 4 + 1))[:size]
    body = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    return b"\x81" + length + _KEY + body


if __name__ == "__main__":
    main()
