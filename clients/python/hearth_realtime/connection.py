"""Connections: one Socket.IO connection to one namespace each, until it is lost.

Each attempt makes a new connection, so no state of an earlier one is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import aiohttp
import socketio

from hearth_realtime.errors import ConnectionLost, HearthError

CONNECT_SECONDS: Final = 10.0
# Longer than the server takes to find that its broker doesn't answer.
ANSWER_SECONDS: Final = 20.0
CLOSE_SECONDS: Final = 2.0

T = TypeVar("T")
Answer = dict[str, Any]


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
    """A connection; it is admitted to its namespace once `open` returns.

    Args:
        on_message: called with each envelope of a channel, in the order of arrival. Like `then` in
            `call` it is called while the packet is handled, so messages and answers are handled in
            the order in which the server sent them.
        on_error: called with each error that is not the answer to a request.
    """

    def __init__(
        self,
        namespace: str,
        on_message: Callable[[dict[str, Any]], None],
        on_error: Callable[[HearthError], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        #: The data of `connection_ack`: `user_id`, `kind`, `server_time`, `limits`.
        self.welcome: dict[str, Any] = {}
        self.ended = asyncio.Event()
        self._namespace = namespace
        self._on_message = on_message
        self._on_error = on_error
        self._welcomed: asyncio.Future[Exception | None] = loop.create_future()
        self._pending: set[asyncio.Future[Any]] = set()
        self._loops: list[asyncio.Task[None]] = []
        # python-engineio would leave an HTTP session of its own open if it can't connect.
        self._http = aiohttp.ClientSession(connector=Connector())
        self._sio = socketio.AsyncClient(
            reconnection=False,
            handle_sigint=False,  # asyncio.run handles it, by leaving `async with` blocks
            http_session=self._http,
            request_timeout=CLOSE_SECONDS,
            # An answer may hold a long history, and aiohttp's limit is 4 MiB.
            websocket_extra_options={"max_msg_size": 0},
        )
        self._sio.on("*", self._on_event, namespace=namespace)
        self._sio.on("connect_error", self._on_refused, namespace=namespace)
        self._sio.on("disconnect", self._on_end, namespace=namespace)

    async def open(self, url: str, token: str) -> None:
        """Connect, and wait until the server has admitted us.

        Raises:
            HearthError: the server refused; `code` says why.
            ConnectionLost: the server can't be reached.
        """
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._sio.connect(
                    url,
                    auth={"token": token},
                    namespaces=[self._namespace],
                    transports=["websocket"],
                    wait=False,
                )
                self._loops = [self._sio.eio.read_loop_task, self._sio.eio.write_loop_task]
                # If it is lost before it was admitted, python-socketio calls no handler.
                self._loops[0].add_done_callback(self._on_end)
                outcome = await self._welcomed
        except TimeoutError:
            raise ConnectionLost(f"no answer within {CONNECT_SECONDS:.0f} s") from None
        except Exception as error:  # whatever aiohttp, engineio and socketio raise
            raise ConnectionLost(str(error) or type(error).__name__) from error
        if outcome is not None:
            raise outcome

    async def call(self, event: str, argument: dict[str, Any], then: Callable[[Answer], T]) -> T:
        """Emit an event and return what `then` makes of the answer.

        Raises:
            HearthError: the server answered with an error.
            ConnectionLost: there was no answer.
        """
        if self.ended.is_set():
            raise ConnectionLost("it had ended")
        answered: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def acknowledge(answer: Any = None, *_: Any) -> None:
            if answered.done() or self.ended.is_set():
                return
            try:
                if not isinstance(answer, dict) or not answer.get("ok"):
                    raise HearthError.from_wire(answer and answer.get("error"))
                answered.set_result(then(answer))
            except Exception as error:  # noqa: BLE001 - it is raised by `call`
                answered.set_exception(error)

        self._pending.add(answered)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._sio.emit(
                    event, argument, namespace=self._namespace, callback=acknowledge
                )
                return await answered
        except TimeoutError:
            self._on_end()  # requests are answered in order: no later one will be
            raise ConnectionLost(f"no answer within {ANSWER_SECONDS:.0f} s") from None
        except socketio.exceptions.BadNamespaceError:
            raise ConnectionLost("it has ended") from None
        finally:
            self._pending.discard(answered)

    async def close(self) -> None:
        """Close the connection, and cancel its tasks."""
        self._on_end()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._sio.disconnect()
        except Exception:  # noqa: BLE001, S110 - it is closed in any case
            pass
        finally:
            await self._http.close()
            for task in self._loops:
                task.cancel()
            await asyncio.gather(*self._loops, return_exceptions=True)

    def _on_event(self, event: str, envelope: Any = None, *_: Any) -> None:
        if self.ended.is_set() or not isinstance(envelope, dict):
            return  # not an envelope, such as bytes that a worker emitted
        if event == "connection_ack":
            self.welcome = envelope["data"]
            self._be_let_in(None)
        elif event == "error":
            self._on_error(HearthError.from_wire(envelope.get("error")))
        elif isinstance(envelope.get("channel"), str) and envelope.keys() >= _ENVELOPE:
            self._on_message(envelope)

    def _on_refused(self, refusal: Any = None, *_: Any) -> None:
        if isinstance(refusal, dict) and "data" in refusal:
            self._be_let_in(HearthError.from_wire(refusal["data"]))
        elif isinstance(refusal, dict):  # python-socketio's own, e.g. of an unknown namespace
            self._be_let_in(HearthError("invalid", str(refusal.get("message"))))
        else:
            self._be_let_in(ConnectionLost(str(refusal)))

    def _be_let_in(self, outcome: Exception | None) -> None:
        if not self._welcomed.done():
            self._welcomed.set_result(outcome)

    def _on_end(self, *_: Any) -> None:
        self.ended.set()
        self._be_let_in(ConnectionLost("it ended at once"))
        for answered in self._pending:
            if not answered.done():
                answered.set_exception(ConnectionLost("it ended before there was an answer"))


_ENVELOPE: Final = {"type", "channel", "data", "timestamp"}
