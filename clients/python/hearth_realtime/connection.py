"""Connections: one Socket.IO connection to one namespace each, until it is lost.

Each attempt makes a new connection, so no state of an earlier one is left.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from hearth_realtime.address import Address
from hearth_realtime.errors import ConnectionLost, HearthError
from hearth_realtime.pace import Pace
from hearth_realtime.wire import Wire

CLOSE_SECONDS: Final = 3.0
# Requests on their way, in bytes, unless it is a single one. More would keep a slow line busy so
# long that answers to pings, and fresh tokens, come too late.
WINDOW_BYTES: Final = 256_000

T = TypeVar("T")
Answer = dict[str, Any]

# Socket.IO protocol 5, "Packet encoding": type, attachments, namespace, id of the acknowledgement.
_PACKET: Final = re.compile(r"(\d)(?:\d+-)?(?:(/[^,]*),?)?(\d+)?(.*)", re.DOTALL)
_CONNECT, _DISCONNECT, _EVENT, _ACK, _CONNECT_ERROR = "0", "1", "2", "3", "4"
_ENVELOPE: Final = {"type", "channel", "data", "timestamp"}


class Connection:
    """A connection; it is admitted to its namespace once `open` returns.

    Args:
        on_message: called with each envelope of a channel, in the order of arrival. Like `then` in
            `call` it is called while the packet is handled, so messages and answers are handled in
            the order in which the server sent them.
        on_error: called with each error that is not the answer to a request.
        on_silence: as a `Wire` has it.
    """

    def __init__(
        self,
        address: Address,
        namespace: str,
        on_message: Callable[[dict[str, Any]], None],
        on_error: Callable[[HearthError], None],
        on_silence: Callable[[ConnectionLost], None],
    ) -> None:
        #: The data of `connection_ack`: `user_id`, `kind`, `server_time`, `limits`.
        self.welcome: dict[str, Any] = {}
        self.ended = asyncio.Event()
        self.pace = Pace()
        self._namespace = namespace
        self._on_message = on_message
        self._on_error = on_error
        self._wire = Wire(address, on_silence)
        self._welcomed: asyncio.Future[Exception | None] = (
            asyncio.get_running_loop().create_future()
        )
        self._requests = 0
        self._pending: dict[int, Callable[[Any], None]] = {}
        self._sending = asyncio.Lock()
        self._on_its_way = 0
        self._answered = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self.why_ended = "it was closed"

    async def open(self, token: str) -> None:
        """Connect, and wait until the server has admitted us.

        Raises:
            HearthError: the server refused; `code` says why.
            ConnectionLost: the server can't be reached.
        """
        await self._wire.open()
        self._reader = asyncio.create_task(self._read())
        await self._wire.send(self._packet(_CONNECT, encode({"token": token})))
        if (refusal := await self._welcomed) is not None:
            raise refusal
        self.pace.limit(self.welcome.get("limits", {}).get("messages_per_second", 0))

    async def call(
        self,
        event: str,
        argument: dict[str, Any] | Callable[[], dict[str, Any]],
        then: Callable[[Answer], T],
    ) -> T:
        """Emit an event and return what `then` makes of the answer.

        It waits as long as the connection lives. Who is cancelled before it was this request's
        turn has sent nothing.

        Args:
            argument: or a function that returns it when it is this request's turn; if that raises,
                nothing is sent.

        Raises:
            HearthError: the server answered with an error.
            ConnectionLost: there was no answer.
        """
        if self.ended.is_set():
            raise ConnectionLost(self.why_ended)
        answered: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def settle(answer: Any) -> None:
            if answered.done():
                return
            try:
                if isinstance(answer, Exception):
                    raise answer
                if not isinstance(answer, dict) or not answer.get("ok"):
                    raise HearthError.from_wire(answer and answer.get("error"))
                answered.set_result(then(answer))
            except Exception as error:  # noqa: BLE001 - it is raised by `call`
                answered.set_exception(error)

        self._requests += 1
        number = self._requests
        self._pending[number] = settle
        size = 0
        try:
            if event == "authenticate":  # a token's end waits for nobody
                await self._wire.send(self._packet(_EVENT, encode([event, argument]), number))
                return await answered
            await self.pace.turn(event)
            async with self._sending:
                text = encode([event, argument() if callable(argument) else argument])
                await self._until_room(len(text))
                size = len(text)
                self._on_its_way += size
                if not self.ended.is_set():
                    await self._wire.send(self._packet(_EVENT, text, number))
            return await answered
        except HearthError as error:
            if error.code == "rate_limited":
                self.pace.pause(error.retry_after or 0.0)
            raise
        finally:
            self._pending.pop(number, None)
            self._on_its_way -= size
            self._answered.set()
            if answered.done() and not answered.cancelled():
                answered.exception()  # retrieved, also if sending has failed as well

    async def close(self) -> None:
        """Close the connection, within `CLOSE_SECONDS`."""
        self._end("it was closed")
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._reader is not None:
                    self._reader.cancel()
                    await asyncio.gather(self._reader, return_exceptions=True)
                    with suppress(ConnectionLost):
                        await self._wire.send(self._packet(_DISCONNECT))
        except TimeoutError:
            pass  # nobody reads what we send
        finally:
            await self._wire.close()

    async def _until_room(self, size: int) -> None:
        while self._on_its_way and self._on_its_way + size > WINDOW_BYTES:
            self._answered.clear()
            await self._answered.wait()

    async def _read(self) -> None:
        why = ""
        try:
            async for message in self._wire.messages():
                self._handle(message)
                if self.ended.is_set():
                    return
        except Exception as error:  # noqa: BLE001 - the next connection may do better
            why = f"the server sent {error!r}"
        self._end(why or self._wire.why_ended)

    def _handle(self, message: str) -> None:
        if (packet := _PACKET.fullmatch(message)) is None:
            return
        kind, namespace, number, text = packet.groups()
        if namespace != self._namespace or kind not in "01234":
            return  # such as binary data that a worker emitted
        content: Any = json.loads(text) if text else None
        if kind == _EVENT:
            if number:  # somebody emitted it with a callback
                self._wire.reply(self._packet(_ACK, "[]", int(number)))
            self._on_event(*content)
        elif kind == _ACK:
            if (settle := self._pending.get(int(number))) is not None:
                settle(content[0] if content else None)
        elif kind == _CONNECT_ERROR:
            self._be_let_in(_refusal(content))
        elif kind == _DISCONNECT:
            self._end("the server ended it")

    def _on_event(self, event: str, envelope: Any = None, *_: Any) -> None:
        if not isinstance(envelope, dict):
            return  # not an envelope, but what a worker emitted
        if event == "connection_ack":
            self.welcome = envelope["data"]
            self._be_let_in(None)
        elif event == "error":
            self._on_error(HearthError.from_wire(envelope.get("error")))
        elif isinstance(envelope.get("channel"), str) and envelope.keys() >= _ENVELOPE:
            self._on_message(envelope)

    def _packet(self, kind: str, text: str = "", number: int | None = None) -> str:
        return f"{kind}{self._namespace},{'' if number is None else number}{text}"

    def _be_let_in(self, refusal: Exception | None) -> None:
        if not self._welcomed.done():
            self._welcomed.set_result(refusal)

    def _end(self, why: str) -> None:
        if self.ended.is_set():
            return
        self.why_ended = why
        self.ended.set()
        self._be_let_in(ConnectionLost(why))
        self.pace.end()
        for settle in list(self._pending.values()):
            settle(ConnectionLost(why))


def _refusal(content: Any) -> Exception:
    """Return the error of a CONNECT_ERROR packet's content."""
    if not isinstance(content, dict):
        return ConnectionLost(f"the server refused: {content!r}")
    if "data" not in content:  # python-socketio's own, e.g. of an unknown namespace
        content = {"data": {"code": "invalid", "message": content.get("message", "")}}
    error = HearthError.from_wire(content["data"])
    error.reason = error.reason or error.code
    return error


def encode(content: Any) -> str:
    """Return JSON as short as it gets.

    Raises:
        HearthError: it can't be written so.
    """
    try:
        text = json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        problem = f"No plain JSON: {error}."
        message = f"The request is not valid: data: {problem}"  # as the server says it
        raise HearthError("invalid", message, {"data": problem}) from None
    return text
