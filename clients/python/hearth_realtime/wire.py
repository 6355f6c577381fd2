"""Wires: a WebSocket that speaks Engine.IO 4, until it is lost.

Nothing here takes a fixed time, for nobody knows how large a message is, or how slow the line. A
wire is alive while bytes pass: the server pings even when it has nothing to say.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler

from hearth_realtime.address import Address
from hearth_realtime.errors import ConnectionLost, HearthError, refused_by, stranger

# For a handshake, which is some hundred bytes.
OPEN_SECONDS: Final = 20.0
# Without an answer for so long, HTTP is asked what is there; and after that again, it is told.
SILENCE_SECONDS: Final = 2.0
CLOSE_SECONDS: Final = 2.0
# How often it is looked whether anything has passed, within the time in which something has to.
LOOKS: Final = 10

_OPEN, _CLOSE, _PING, _PONG, _MESSAGE = "0", "1", "2", "3", "4"
_REASON_BYTES: Final = 65_536


class Wire:
    """A WebSocket to a server's Engine.IO.

    Args:
        on_silence: called if nothing answers soon while it is opened; an answer is waited for.
    """

    def __init__(self, address: Address, on_silence: Callable[[ConnectionLost], None]) -> None:
        self._address = address
        self._on_silence = on_silence
        self._connector = _Connector()
        self._http = aiohttp.ClientSession(connector=self._connector)
        self._socket: aiohttp.ClientWebSocketResponse
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_hearth = False  # whether its HTTP has said so
        self._ended = ""  # why, if it isn't the other end that has ended it

    async def open(self) -> None:
        """Connect.

        Raises:
            HearthError: the server refused, and says why; or it is none.
            ConnectionLost: it can't be reached.
        """
        where = str(self._address)
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                opening = await self._open_or_ask()
        except aiohttp.WSServerHandshakeError as refusal:
            raise await self._why(refusal.status) from None
        except aiohttp.ClientResponseError as error:
            raise stranger(where, f"speaks no HTTP ({error.message})") from None
        except TimeoutError:
            raise self._nothing(f"within {OPEN_SECONDS:.0f} s") from None
        except (aiohttp.ClientError, OSError, TypeError) as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error
        if (silence := _silence(opening)) is None:
            raise stranger(where, "speaks something else by WebSocket")
        self._spawn(self._watch(silence))

    async def send(self, message: str) -> None:
        """Send a message; return when little of it is left to be written.

        Raises:
            ConnectionLost: it is lost.
        """
        await self._write(_MESSAGE + message)

    def reply(self, message: str) -> None:
        """Send a message without waiting."""
        self._spawn(self._try_to_write(_MESSAGE + message))

    async def messages(self) -> AsyncIterator[str]:
        """Yield what comes, until the wire is lost. Binary messages are left out."""
        async for frame in self._socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            kind, message = frame.data[:1], frame.data[1:]
            if kind == _MESSAGE:
                yield message
            elif kind == _PING:
                self._spawn(self._try_to_write(_PONG + message))
            elif kind == _CLOSE:
                return

    @property
    def why_ended(self) -> str:
        """Why no more messages come."""
        return self._ended or f"the connection was closed ({self._socket.close_code})"

    async def close(self) -> None:
        """Close it, within `CLOSE_SECONDS`."""
        try:  # whoever waits for it may be cancelled anywhere
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if hasattr(self, "_socket"):
                await self._socket.close()
        finally:
            await self._http.close()

    async def _write(self, packet: str) -> None:
        try:
            await self._socket.send_str(packet)
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error

    async def _try_to_write(self, packet: str) -> None:
        with suppress(ConnectionLost):  # then no more messages come
            await self._write(packet)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self, silence: float) -> None:
        """Abort when nothing has passed in either direction for `silence` seconds."""
        passed, looks = self._connector.passed(), 0
        # Counted, not timed: time in which this process stood still is nobody's silence.
        while looks < LOOKS:
            await asyncio.sleep(silence / LOOKS)
            before, passed = passed, self._connector.passed()
            looks = looks + 1 if passed == before else 0
        self._ended = f"nothing has come for {silence:.0f} s"
        self._connector.abort()

    async def _open_or_ask(self) -> str:
        """Return the first packet. What lets a handshake wait is asked by HTTP what it is.

        Many a server of something else neither takes nor refuses a WebSocket.
        """
        opening = asyncio.create_task(self._open())
        asking = asyncio.create_task(self._ask(after=SILENCE_SECONDS))
        telling = asyncio.get_running_loop().call_later(
            2 * SILENCE_SECONDS, lambda: self._on_silence(self._nothing("yet"))
        )
        try:
            await asyncio.wait([opening, asking], return_when=asyncio.FIRST_COMPLETED)
            if not opening.done() and (refusal := asking.result()) is not None:
                raise refusal
            return await opening
        finally:
            telling.cancel()
            for task in (opening, asking):
                task.cancel()
            await asyncio.gather(opening, asking, return_exceptions=True)

    async def _open(self) -> str:
        # aiohttp's own limit is 4 MiB; the server's is what one is to receive.
        options: Any = {"timeout": aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS)}
        url = self._address.url("websocket")
        self._socket = await self._http.ws_connect(url, max_msg_size=0, **options)
        return await self._socket.receive_str()

    async def _ask(self, after: float = 0.0) -> HearthError | None:
        """Return why no connection is opened, if HTTP says so; None if it would be opened.

        aiohttp reads no body of a refused WebSocket. Without a handshake a server answers the same
        address with the same reason, and opens no session (docs/protocol.md, "Refusals").
        """
        await asyncio.sleep(after)
        try:
            async with (
                asyncio.timeout(OPEN_SECONDS),
                self._http.get(self._address.url("websocket")) as answer,
            ):
                body = b""
                async for part in answer.content.iter_any():  # on a slow line there are several
                    body += part
                    if len(body) >= _REASON_BYTES:
                        break
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None
        address = self._address
        refusal = refused_by(str(address), answer.status, body)
        self._is_hearth = refusal.reason == "upgrade"
        return None if self._is_hearth else refusal

    async def _why(self, status: int) -> HearthError | ConnectionLost:
        """Return why a handshake was refused."""
        if (refusal := await self._ask()) is not None:
            return refusal
        proxy = ", by a proxy perhaps that passes none on" if self._is_hearth else ""
        return ConnectionLost(f"HTTP {status} instead of a WebSocket{proxy}")

    def _nothing(self, when: str) -> ConnectionLost:
        """Return what is known of a handshake that nobody answers."""
        if self._is_hearth:
            proxy = "a proxy may pass none on"
            return ConnectionLost(f"no answer to a WebSocket {when}, but to HTTP: {proxy}")
        if self._connector.is_connected:
            return ConnectionLost(f"no answer {when} to a WebSocket or HTTP: it may not be Hearth")
        return ConnectionLost(f"no answer {when}")


def _silence(opening: str) -> float | None:
    """Return the seconds within which the server pings, as its first packet says.

    None if it isn't Engine.IO.
    """
    try:
        told = json.loads(opening[1:]) if opening.startswith(_OPEN) else {}
        return (float(told["pingInterval"]) + float(told["pingTimeout"])) / 1000
    except (ValueError, LookupError, TypeError):
        return None


class _Connector(aiohttp.TCPConnector):
    """An aiohttp connector that knows how many bytes have passed.

    aiohttp tells of whole frames only; a large one may take minutes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.received = 0
        self._transports: list[asyncio.Transport] = []
        self._factory: Any = partial(_Metered, self, asyncio.get_running_loop())

    @property
    def is_connected(self) -> bool:
        """Whether anybody has taken a connection."""
        return bool(self._transports)

    def opened(self, transport: asyncio.Transport) -> None:
        """A connection is open."""
        self._transports.append(transport)

    def passed(self) -> tuple[int, int]:
        """Return numbers that change whenever bytes come, or those that wait to be sent go."""
        waiting = sum(
            one.get_write_buffer_size() for one in self._transports if not one.is_closing()
        )
        return self.received, waiting

    def abort(self) -> None:
        """Close every connection at once, whatever is unsent."""
        for transport in self._transports:
            transport.abort()


class _Metered(ResponseHandler):
    """aiohttp's protocol, that counts the bytes that come."""

    def __init__(self, meter: _Connector, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._meter = meter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._meter.opened(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        self._meter.received += len(data)
        super().data_received(data)
