"""Channels, as programs use them."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Literal

from hearth_realtime import messages
from hearth_realtime.connection import Answer, Connection
from hearth_realtime.errors import ConnectionLost, HearthError
from hearth_realtime.inbox import Inbox
from hearth_realtime.link import Link, backoff
from hearth_realtime.messages import Message, Page, Position, Presence, Receipt

#: The default time-out of a request with all its attempts.
PATIENCE_SECONDS: Final = 60.0
# The server remembers a nonce for five minutes: a repeat after that could publish twice.
LONGEST_PATIENCE_SECONDS: Final = 240.0
MAX_PAGE: Final = 1000

State = Literal["connecting", "live", "recovering", "closed"]


class Channel:
    """A channel that is joined, and joined again after each loss of the connection.

    Iterate over it for its messages: in order, and each exactly once. If some are no longer in
    history (the connection was lost for too long, or the server's Redis has lost its data), a
    message of the type `discontinuity` takes their place: reload your state. The messages that
    history still has, and that you haven't got, follow.

    The iteration ends when the channel is left or closed. It raises `HearthError` when the server
    ends the membership: `forbidden`, `token_expired`, `unauthorized`. If you read slowly, messages
    stay in the server's history and are read from there; only types that history doesn't keep
    (`typing`, …) are then dropped. One task reads at a time; others wait.
    """

    def __init__(
        self, link: Link, name: str, max_unread: int, history: int, since: Position | None
    ) -> None:
        self.name = name
        self._link = link
        self._history = history
        self._inbox = Inbox(max_unread, since)
        self._changed = asyncio.Event()
        self._joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._error: Exception | None = None
        self._left = False
        self._joining = asyncio.Lock()
        self._reading = asyncio.Lock()

    @property
    def state(self) -> State:
        """`connecting` until the first join, then `live` while nothing is missing, `recovering`
        while something is or there is no connection, and finally `closed`."""
        if self._left or self._error is not None:
            return "closed"
        if not self._joined.done():
            return "connecting"
        return "live" if self._inbox.whole else "recovering"

    async def publish(
        self,
        type: str,  # noqa: A002 - the protocol's word
        data: dict[str, Any],
        *,
        action: str | None = None,
        nonce: str | None = None,
        timeout: float = PATIENCE_SECONDS,  # noqa: ASYNC109 - several attempts share it
    ) -> Receipt:
        """Publish a message, once, however often it has to be sent.

        Retries while there is no connection, the server has no Redis, or the rate is limited.

        Args:
            type: e.g. `agent_message`.
            data: the payload, plain JSON.
            action, nonce: of the envelope; with a nonce of your own another process may publish
                the same message again within five minutes, and it is deduplicated.
            timeout: how long to try, in seconds, at most 240.

        Raises:
            HearthError: `invalid`, `forbidden`, `too_large`, …; `timeout` if there was no
                acknowledgement in time: it may have been published, or not; `closed`.
        """
        return await publish(self._link, self.name, type, data, action, nonce, timeout)

    async def history(
        self,
        *,
        before: int | None = None,
        limit: int = 50,
        timeout: float = PATIENCE_SECONDS,  # noqa: ASYNC109 - several attempts share it
    ) -> Page:
        """Return the newest messages.

        Args:
            before: only messages with a smaller offset.
            limit: how many, 1 to 1,000.
            timeout: how long to try, in seconds.

        Raises:
            HearthError: `invalid`, `forbidden`, …; `timeout`, `closed`.
        """
        request: dict[str, Any] = {"channel": self.name, "limit": limit}
        if before is not None:
            request["before"] = before
        return await self._link.ask("history", request, messages.page, timeout)

    async def presence(
        self,
        *,
        timeout: float = PATIENCE_SECONDS,  # noqa: ASYNC109 - several attempts share it
    ) -> Presence:
        """Return the members of the channel. Raises as `history` does."""
        return await self._link.ask("presence", {"channel": self.name}, messages.presence, timeout)

    async def leave(self) -> None:
        """Leave the channel; its iteration ends."""
        if self.state == "closed":
            return
        self._left = True
        self._link.unsubscribe(self.name)
        self._inbox.clear()
        self._changed.set()
        if (connection := self._link.connection) is not None:
            # If it can't be sent, the connection is lost, and the membership with it.
            with suppress(ConnectionLost, HearthError):
                await connection.call("leave", {"channel": self.name}, dict)

    def __aiter__(self) -> Channel:
        return self

    async def __anext__(self) -> Message:
        async with self._reading:
            while (message := self._inbox.pop()) is None:
                if self._left:
                    raise StopAsyncIteration
                if self._error is not None:
                    raise self._error
                self._changed.clear()
                if (connection := self._link.connection) is not None and self._inbox.wanted:
                    await self._catch_up(connection)
                else:
                    await self._changed.wait()
            return message

    async def wait_joined(self) -> None:
        """Return once the channel is joined for the first time. Raises what prevents that."""
        await asyncio.shield(self._joined)

    # The link's events: see `Subscriber`

    async def join(self, connection: Connection) -> None:
        """Join, with as many attempts as it takes."""

        def request() -> dict[str, Any]:
            since = self._inbox.join_request()
            return since or ({"history": self._history} if self._history else {})

        async with self._joining:
            await self._insist(connection, "join", request, self._on_joined)

    def on_message(self, envelope: dict[str, Any]) -> None:
        self._inbox.on_message(envelope)
        self._changed.set()

    def on_lost(self) -> None:
        self._inbox.lose()

    def on_end(self, error: Exception) -> None:
        if isinstance(error, HearthError) and error.code == "closed":
            self._left = True
            self._inbox.clear()
        if self._error is None:
            self._error = error
        if not self._joined.done():
            self._joined.set_exception(error)
            self._joined.exception()  # retrieved, in case nobody waits for it
        self._changed.set()

    def _on_joined(self, answer: dict[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._inbox.on_joined(answer, now)
        if not self._joined.done():
            self._joined.set_result(None)
        self._changed.set()

    async def _catch_up(self, connection: Connection) -> None:
        """Request from the server what the inbox lacks."""
        inbox = self._inbox
        if inbox.wanted == "join":
            await self.join(connection)
        else:
            await self._insist(connection, "history", inbox.history_request, inbox.on_history)

    async def _insist(
        self,
        connection: Connection,
        event: str,
        request: Callable[[], dict[str, Any]],
        then: Callable[[Answer], None],
    ) -> None:
        """Send a request until it is answered, the connection is lost, or the error is final."""
        waits = backoff()
        while not self._left and not connection.ended.is_set():
            try:
                await connection.call(event, {"channel": self.name} | request(), then)
                return
            except ConnectionLost:
                break
            except HearthError as error:
                if not self._link.may_retry(error):
                    self._link.unsubscribe(self.name)
                    self.on_end(error)
                    return
                await asyncio.sleep(max(next(waits), error.retry_after or 0.0))
        if not self._left:
            self._link.drop(connection)


async def publish(
    link: Link,
    channel: str,
    type: str,  # noqa: A002 - the protocol's word
    data: dict[str, Any],
    action: str | None,
    nonce: str | None,
    timeout: float,  # noqa: ASYNC109 - several attempts share it
) -> Receipt:
    """Publish into a channel, joined or not; see `Channel.publish`."""
    if not 0 < timeout <= LONGEST_PATIENCE_SECONDS:
        raise ValueError(f"a timeout is at most {LONGEST_PATIENCE_SECONDS:.0f} s, not {timeout}")
    try:
        size = len(json.dumps(data, allow_nan=False, separators=(",", ":")))
    except (TypeError, ValueError, RecursionError) as error:
        # Each attempt to send it would close the connection.
        raise HearthError("invalid", "It is no plain JSON.", {"data": str(error)}) from None
    request: dict[str, Any] = {"channel": channel, "data": data, "nonce": nonce or uuid.uuid4().hex}
    if action is not None:
        request["action"] = action
    return await link.ask(type, request, messages.receipt, timeout, size)
