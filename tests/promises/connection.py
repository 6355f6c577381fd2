"""A real Socket.IO connection, whose loss is nothing special."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

import aiohttp
import socketio
from socketio.exceptions import SocketIOError

ANSWER_SECONDS: Final = 8.0
CLOSE_SECONDS: Final = 3.0

# aiohttp asserts that what it has just opened isn't lost yet.
_LOST: Final = (SocketIOError, aiohttp.ClientError, OSError, TimeoutError, AssertionError)

_closing: set[asyncio.Task[None]] = set()


class Lost(Exception):
    """The connection can't be had, is gone, or isn't answered on."""


class Connector(aiohttp.TCPConnector):
    """An aiohttp connector that closes, with itself, every connection that it has handed out.

    python-engineio lets go of a WebSocket that is lost or doesn't open in time without closing it,
    and aiohttp then complains whenever the garbage collector comes upon its connection.
    """

    def __init__(self) -> None:
        super().__init__()
        self._handed_out: list[aiohttp.connector.Connection] = []

    async def connect(self, *args: Any, **options: Any) -> aiohttp.connector.Connection:
        connection = await super().connect(*args, **options)
        self._handed_out.append(connection)
        return connection

    def close(self, **options: Any) -> Coroutine[Any, Any, None]:
        for connection in self._handed_out:
            connection.close()
        return super().close(**options)


class Connection:
    """One connection to one namespace.

    Args:
        on_event: called with each event and its envelope, in the order in which they come.
    """

    def __init__(self, namespace: str, on_event: Callable[[str, Any], None]) -> None:
        self.lost = asyncio.Event()
        self._namespace = namespace
        self._on_event = on_event
        # Its own: what python-engineio forgets when connecting takes too long is closed with it.
        self._http = aiohttp.ClientSession(connector=Connector())
        self._sio = socketio.AsyncClient(reconnection=False, http_session=self._http)
        self._sio.on("*", self._handle, namespace=namespace)
        self._sio.on("disconnect", self._end, namespace=namespace)

    async def open(self, url: str, token: str) -> None:
        """Connect. Raises `Lost` when that doesn't work."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._sio.connect(
                    *(url, {}, {"token": token}, ["websocket"], [self._namespace]),
                    wait_timeout=ANSWER_SECONDS,
                )
        except _LOST as error:
            self.close()
            raise Lost(str(error)) from None

    async def request(
        self, event: str, argument: Any, on_answer: Callable[[Any], None] | None = None
    ) -> Any:
        """Emit an event and return its answer.

        Args:
            on_answer: called with the answer before any later event is handled.

        Raises:
            Lost: there is none.
        """
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def answer(value: Any = None) -> None:
            if not answered.done() and not self.lost.is_set():
                if on_answer is not None:
                    on_answer(value)
                answered.set_result(value)

        gone = asyncio.ensure_future(self.lost.wait())
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._sio.emit(event, argument, self._namespace, callback=answer)
                await asyncio.wait([answered, gone], return_when=asyncio.FIRST_COMPLETED)
        except (SocketIOError, TimeoutError):
            pass
        finally:
            gone.cancel()
        if answered.done():
            return answered.result()
        answered.cancel()
        self.close()
        raise Lost(f"no answer to {event}")

    def close(self) -> None:
        """Close it; what still arrives is not handled."""
        self._end()
        if self._http.closed:
            return
        task = asyncio.ensure_future(self._close())
        _closing.add(task)
        task.add_done_callback(_closing.discard)

    async def _close(self) -> None:
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._sio.disconnect()
        await self._http.close()

    def _handle(self, event: str, envelope: Any = None) -> None:
        if not self.lost.is_set():
            self._on_event(event, envelope)

    def _end(self, *_reason: Any) -> None:
        self.lost.set()


async def all_closed() -> None:
    """Wait for those that are being closed."""
    await asyncio.gather(*_closing, return_exceptions=True)
