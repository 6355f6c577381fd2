"""The arena: what an attack is given, and whom it may pretend to be."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from app.core.identity import Kind
from bench.attack.wire import Closed, Socket, WebSocket
from tests.support.tokens import token

SOCKETIO: Final = "/socket.io/?EIO=4&transport=websocket"
POLLING: Final = "/socket.io/?EIO=4&transport=polling"
_S = TypeVar("_S", bound=Socket)
_PAUSE_SECONDS: Final = 0.01  # of one that was thrown out, before it comes back


class Arena:
    """A server to attack.

    Args:
        port: where it listens, on 127.0.0.1.
        pid: its process.
        redis_url: its Redis, if it has one.
        seconds: how long to attack.
    """

    def __init__(self, port: int, pid: int, redis_url: str | None, seconds: float) -> None:
        self.port = port
        self.pid = pid
        self.redis_url = redis_url
        self.seconds = seconds
        self.counts: Counter[str] = Counter()
        self.broken: list[str] = []
        self.kept: dict[str, Any] = {}  # what is prepared
        self.tokens: dict[str, str] = {}
        self._sockets: defaultdict[asyncio.Task[Any] | None, list[Socket]] = defaultdict(list)
        self._ends = time.monotonic() + seconds

    def begin(self) -> None:
        """Let the time begin anew: what was before is preparation."""
        self._ends = time.monotonic() + self.seconds
        self.counts.clear()

    @property
    def left(self) -> float:
        """How many seconds there are left."""
        return max(0.0, self._ends - time.monotonic())

    @property
    def going(self) -> bool:
        """Whether there is time left, or nothing was done yet: a busy machine may take a while."""
        return time.monotonic() < self._ends or not self.counts

    def token(self, name: str = "mallory", kind: Kind = "user", *grants: str) -> str:
        """Return a valid token; the bystander's circle is not among what it opens."""
        grants = grants or ("circles:den*:rw", "workspaces:den*:rw", "chat:*:rw", "feeds:*:r")
        return self.tokens.setdefault(f"{name} {kind} {grants}", token(name, kind, *grants))

    async def tcp(self, number: int = 0, receive_bytes: int = 0) -> Socket:
        """Connect; each number is an address of its own, none the bystander's."""
        return self._keep(await Socket.open(self.port, _address(number), receive_bytes))

    async def websocket(
        self, path: str = SOCKETIO, *headers: str, number: int = 0, receive_bytes: int = 0
    ) -> WebSocket:
        """Open a WebSocket, of Engine.IO if nothing else is said."""
        opened = self._keep(await WebSocket.open(self.port, _address(number), receive_bytes))
        await opened.shake(path, *headers)
        if path == SOCKETIO:
            await opened.starting("0")
        return opened

    async def plain(
        self, path: str, token: str | None = None, number: int = 0, receive_bytes: int = 0
    ) -> WebSocket:
        """Open a plain WebSocket; with a token, its welcome is read."""
        headers = () if token is None else (f"Authorization: Bearer {token}",)
        opened = await self.websocket(path, *headers, number=number, receive_bytes=receive_bytes)
        if token is not None and path not in ("/ws", "/api/ws"):
            await opened.next()
        return opened

    async def member(
        self,
        namespace: str = "/circles",
        token: str | None = None,
        number: int = 0,
        receive_bytes: int = 0,
        **auth: Any,
    ) -> WebSocket:
        """Open a Socket.IO connection that is in a namespace."""
        opened = await self.websocket(number=number, receive_bytes=receive_bytes)
        auth["token"] = token or self.token()
        await opened.text(f"40{namespace},{json.dumps(auth)}")
        answer = await opened.starting("40", "44")
        if answer.startswith("44"):
            raise Closed(answer)
        await opened.starting(f'42{namespace},["connection_ack"')
        return opened

    async def polling(self, number: int = 0) -> tuple[Socket, str]:
        """Open a polling session; return its connection and the path of its requests."""
        opened = await self.tcp(number)
        await opened.send(_get(POLLING))
        status, body = await opened.response()
        if status != 200:
            raise Closed(f"answered {status}")
        return opened, f"{POLLING}&sid={json.loads(body[1:])['sid']}"

    async def each(self, count: int, act: Callable[[int], Awaitable[None]]) -> None:
        """Do something once for each of so many connections; being thrown out is counted."""
        await asyncio.gather(*(self._once(act, number) for number in range(count)))

    async def insist(self, count: int, act: Callable[[int], Awaitable[None]]) -> None:
        """Do something on so many connections, and come back whenever one is thrown out."""

        async def again(number: int) -> None:
            while self.going:
                await self._once(act, number)
                self._drop_mine()
                await asyncio.sleep(_PAUSE_SECONDS)

        await asyncio.gather(*(again(number) for number in range(count)))

    async def hold(self) -> None:
        """Keep what is open until the time is over."""
        await asyncio.sleep(self.left)

    def drop(self) -> None:
        """Close everything at once."""
        for some in self._sockets.values():
            for one in some:
                one.close()
        self._sockets.clear()

    async def _once(self, act: Callable[[int], Awaitable[None]], number: int) -> None:
        try:
            await act(number)
        except OSError as error:
            self.counts[f"thrown out ({type(error).__name__})"] += 1

    def _keep(self, one: _S) -> _S:
        self._sockets[asyncio.current_task()].append(one)
        return one

    def _drop_mine(self) -> None:
        for one in self._sockets.pop(asyncio.current_task(), ()):
            one.close()


def _address(number: int) -> str:
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
