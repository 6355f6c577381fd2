"""A Socket.IO client in Python that remembers what it got."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any

import socketio

PATIENCE_SECONDS = 30.0  # on a machine that has other things to do


class Talker(ABC):
    """Whoever can send requests to a namespace."""

    @abstractmethod
    async def request(self, event: str, *arguments: Any) -> Any:
        """Emit an event and return what it is acknowledged with."""

    async def join(self, channel: str = "dev-team") -> Any:
        """Join a channel, and return the acknowledgement."""
        answer = await self.request("join", {"channel": channel})
        assert answer["ok"], answer
        return answer

    async def say(self, *contents: object, channel: str = "dev-team") -> None:
        """Publish messages, one after the other."""
        for content in contents:
            message = {"channel": channel, "data": {"content": str(content)}}
            answer = await self.request("user_message", message)
            assert answer["ok"], answer


class Client(Talker):
    """One connection to one namespace.

    Args:
        url: of the server.
        namespace: e.g. `/circles`.
        token: for `auth.token`; None brings none.
        options: as `socketio.AsyncClient.connect` takes them.
    """

    def __init__(self, url: str, namespace: str, token: str | None = None, **options: Any) -> None:
        self.namespace = namespace
        self.received: list[tuple[str, Any]] = []
        self._arrived = asyncio.Condition()
        self._sio = socketio.AsyncClient(reconnection=False)
        self._sio.on("*", self._on_event, namespace=namespace)
        self._sio.on("connect_error", self._on_refused, namespace=namespace)
        self._sio.on("disconnect", self._on_disconnect, namespace=namespace)
        self.refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.disconnected = asyncio.Event()
        self._url = url
        self._auth = None if token is None else {"token": token}
        self._options = {"transports": ["websocket"], **options}

    async def connect(self) -> Client:
        """Connect and wait until the namespace has let us in; raises when it doesn't."""
        await self._sio.connect(
            self._url, auth=self._auth, namespaces=[self.namespace], wait=True, **self._options
        )
        return self

    @property
    def sid(self) -> str:
        """The id that the server knows this connection by."""
        sid: str = self._sio.get_sid(self.namespace)
        return sid

    async def request(self, event: str, *arguments: Any) -> Any:
        """Emit an event and return what it is acknowledged with."""
        data = arguments if len(arguments) != 1 else arguments[0]
        return await self._sio.call(event, data, namespace=self.namespace, timeout=PATIENCE_SECONDS)

    async def send(self, event: str, *arguments: Any) -> None:
        """Emit an event without asking for an acknowledgement."""
        data = arguments if len(arguments) != 1 else arguments[0]
        await self._sio.emit(event, data, namespace=self.namespace)

    async def next(self, event: str, number: int = 1) -> Any:
        """Wait for the `number`th event of this name (from the first ever) and return it."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._arrived:
            await self._arrived.wait_for(lambda: len(self.all(event)) >= number)
        return self.all(event)[number - 1]

    def all(self, event: str) -> list[Any]:
        """Return the arguments of all events of this name so far."""
        return [argument for name, argument in self.received if name == event]

    async def settle(self) -> None:
        """Wait until whatever the server sent before now has arrived."""
        await self.request("ping")

    async def disconnect(self) -> None:
        """Close the connection."""
        await self._sio.disconnect()

    async def _on_event(self, event: str, *arguments: Any) -> None:
        async with self._arrived:
            self.received.append((event, arguments[0] if arguments else None))
            self._arrived.notify_all()

    async def _on_refused(self, data: Any = None) -> None:
        if not self.refused.done():
            self.refused.set_result(data)

    async def _on_disconnect(self, *_reason: Any) -> None:
        self.disconnected.set()
