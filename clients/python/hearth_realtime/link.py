"""Links: successive connections to one namespace, and requests that survive their loss."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar

from hearth_realtime import tokens
from hearth_realtime.address import Address
from hearth_realtime.connection import Answer, Connection
from hearth_realtime.errors import ConnectionLost, HearthError, closed
from hearth_realtime.messages import Sender

# Waits between attempts: exponential backoff with jitter, so that the clients of a server that
# restarts don't come back all at once.
FIRST_WAIT_SECONDS: Final = 0.25
LONGEST_WAIT_SECONDS: Final = 5.0

T = TypeVar("T")
log = logging.getLogger("hearth_realtime")


class Subscriber(Protocol):
    """A channel, as its link knows it."""

    async def join(self, connection: Connection) -> None:
        """Join by a new connection, or again by the same one."""

    def on_message(self, envelope: dict[str, Any]) -> None:
        """A message of the channel has arrived."""

    def on_lost(self) -> None:
        """The connection is lost."""

    def on_end(self, error: Exception) -> None:
        """There won't be another connection."""


class Link:
    """A link to a namespace: a connection that is replaced whenever it is lost.

    Args:
        token: see `connect`.
    """

    def __init__(self, address: Address, namespace: str, token: tokens.Token) -> None:
        self.subscribers: dict[str, Subscriber] = {}
        self._address = address
        self._namespace = namespace
        self._tokens = tokens.Tokens(token)
        self.connection: Connection | None = None  # None while it is lost
        self.identity: Sender | None = None  # ours, once the server has told it
        self._changed = asyncio.Event()  # set when there is a connection, or won't be another
        self._error: Exception | None = None
        self._hindrance: Exception | None = None  # why there is no connection
        self._reported = False  # whether it is in the log
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = asyncio.create_task(self._run(), name=f"hearth {namespace}")

    @property
    def failed(self) -> bool:
        """Whether there won't be another connection."""
        return self._error is not None

    async def close(self) -> None:
        """Close the connection; pending requests raise `HearthError` with `closed`."""
        self._end(closed())
        self._running.cancel()
        await asyncio.gather(self._running, *self._tasks, return_exceptions=True)

    def subscribe(self, name: str, subscriber: Subscriber) -> None:
        """Make `subscriber` join now, and after each loss of the connection."""
        self.subscribers[name] = subscriber
        if self._error is not None:
            subscriber.on_end(self._error)
        elif self.connection is not None:
            self._join(subscriber, self.connection)

    def unsubscribe(self, name: str) -> None:
        """Remove a subscriber whose membership has ended."""
        self.subscribers.pop(name, None)

    def leave(self, name: str) -> asyncio.Task[None] | None:
        """Remove a subscriber and leave its channel; return what one may wait for."""
        self.unsubscribe(name)
        return None if self.connection is None else self._spawn(self._leave(name, self.connection))

    async def connected(self) -> Connection:
        """Return the connection, as soon as there is one. Raises if there won't be another."""
        while self.connection is None:
            if self._error is not None:
                raise self._error
            self._changed.clear()
            await self._changed.wait()
        return self.connection

    async def ask(
        self,
        event: str,
        argument: dict[str, Any],
        then: Callable[[Answer], T],
        seconds: float | None,
        size: int = 0,
    ) -> T:
        """Send a request until it is answered, and return what `then` makes of the answer.

        Args:
            seconds: time-out; None waits for ever.
            size: bytes of the message in it. A message over the server's limit is refused here:
                each attempt to send it could close the connection.

        Raises:
            HearthError: the server refused; or `timeout`, or `closed`.
        """
        hindrance: Exception | None = None
        try:
            async with asyncio.timeout(seconds):
                waits = backoff()
                while True:
                    connection = await self.connected()
                    if size > connection.welcome["limits"]["max_message_bytes"]:
                        raise HearthError("too_large", f"{size} bytes are too many.")
                    try:
                        return await connection.call(event, argument, then)
                    except ConnectionLost as error:
                        hindrance = error
                        await connection.ended.wait()
                        self.drop(connection)
                    except HearthError as error:
                        if not self.may_retry(error):
                            raise
                        hindrance = error
                        await asyncio.sleep(retry_after(error, waits))
        except TimeoutError:
            why = self._hindrance or hindrance or "it takes longer"
            raise HearthError("timeout", f"{event} was not answered in time ({why}).") from None

    async def _run(self) -> None:
        known = False  # whether the server has ever admitted us
        waits = backoff()
        try:
            while True:
                connection = Connection(
                    self._address, self._namespace, self._on_message, self._on_error, self._tell
                )
                try:
                    token = await self._ask_token(known)
                    await connection.open(token)
                    if self._reported:
                        log.warning("%s: connected again", self)
                    known, self._reported, waits = True, False, backoff()
                    await self._serve(connection, token)
                    raise ConnectionLost(connection.why_ended)
                except (ConnectionLost, HearthError) as error:
                    if isinstance(error, HearthError) and self._is_final(error, known):
                        raise
                    self._tell(error, "trying again")
                finally:
                    await connection.close()
                await asyncio.sleep(retry_after(self._hindrance, waits))
        except Exception as error:  # noqa: BLE001 - those who wait raise it
            self._end(error)

    def _tell(self, hindrance: Exception, then: str = "waiting") -> None:
        """Log why there is no connection: once, until there is one."""
        level = logging.DEBUG if self._reported else logging.WARNING
        log.log(level, "%s: %s; %s", self, hindrance, then)
        self._reported, self._hindrance = True, hindrance

    async def _serve(self, connection: Connection, token: str) -> None:
        self.connection = connection
        self._hindrance = None
        self.identity = {"id": connection.welcome["user_id"], "kind": connection.welcome["kind"]}
        self._changed.set()
        renewing = asyncio.create_task(self._keep_token_fresh(connection, token))
        try:
            for subscriber in self.subscribers.values():
                self._join(subscriber, connection)
            await connection.ended.wait()
        finally:
            self.drop(connection)
            tasks = [renewing, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def drop(self, connection: Connection) -> None:
        """Stop using a connection that is lost."""
        if self.connection is connection:
            self.connection = None
            for subscriber in self.subscribers.values():
                subscriber.on_lost()

    def _join(self, subscriber: Subscriber, connection: Connection) -> None:
        self._spawn(subscriber.join(connection))

    async def _leave(self, name: str, connection: Connection) -> None:
        # If it can't be sent, the connection is lost, and the membership with it.
        with suppress(ConnectionLost, HearthError):
            await connection.call("leave", {"channel": name}, dict)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run what ends with the connection, at the latest."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _end(self, error: Exception) -> None:
        if self._error is None:
            self._error = error
            self.connection = None
            self._changed.set()
            for subscriber in list(self.subscribers.values()):
                subscriber.on_end(error)

    def _on_message(self, envelope: dict[str, Any]) -> None:
        if (subscriber := self.subscribers.get(envelope["channel"])) is not None:
            subscriber.on_message(envelope)

    def __str__(self) -> str:
        return f"{self._address} {self._namespace}"

    def _on_error(self, error: HearthError) -> None:
        log.warning("%s: the server says %s", self, error)

    # Tokens

    def may_retry(self, error: HearthError) -> bool:
        """Tell whether a request may succeed another time, perhaps with a fresh token."""
        return error.temporary or (error.code == "token_expired" and self._tokens.renewable)

    def _is_final(self, error: HearthError, known: bool) -> bool:
        """Tell whether the next attempt would be refused too."""
        # Who was admitted before and meets something else there met a proxy whose server is away.
        return not (
            self.may_retry(error) or (known and (self._tokens.renewable or error.code == "refused"))
        )

    async def _ask_token(self, known: bool) -> str:
        try:
            return await self._tokens.ask()
        except Exception as error:
            if not known:
                raise
            raise ConnectionLost(f"no token: {error!r}") from error

    async def _keep_token_fresh(self, connection: Connection, shown: str) -> None:
        """Authenticate with a fresh token before each one expires, if there is a source of them."""
        ahead = tokens.seconds_ahead(connection.welcome["server_time"])
        while self._tokens.renewable:
            wait = tokens.renew_after(shown, time.time() + ahead)
            if wait is None:
                return
            await asyncio.sleep(wait)
            try:
                fresh = await self._ask_token(known=True)
                await connection.call("authenticate", {"token": fresh}, dict)
            except (ConnectionLost, HearthError) as error:
                if connection.ended.is_set():
                    return
                log.warning("%s: no fresh token: %s", self, error)
                continue
            shown = fresh
            # It no longer has us in channels that the token doesn't grant: joining says which.
            for subscriber in self.subscribers.values():
                self._join(subscriber, connection)


def backoff() -> Iterator[float]:
    """Yield seconds to wait between attempts."""
    bound = FIRST_WAIT_SECONDS
    while True:
        yield random.uniform(bound / 2, bound)  # noqa: S311 - no secret
        bound = min(bound * 2, LONGEST_WAIT_SECONDS)


def retry_after(error: Exception | None, waits: Iterator[float]) -> float:
    """Return seconds to wait after an error: at least what the server asks for, spread."""
    asked = error.retry_after if isinstance(error, HearthError) else None
    return (asked or 0.0) + next(waits)
