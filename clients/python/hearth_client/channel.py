"""A channel as programs use it."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Literal

from hearth_client import messages
from hearth_client.connection import Answer, Connection
from hearth_client.errors import ConnectionLost, HearthError
from hearth_client.inbox import Inbox
from hearth_client.link import Link, backoff
from hearth_client.messages import Message, Page, Position, Presence, Receipt

#: How long a request is tried by default, in seconds.
PATIENCE_SECONDS: Final = 60.0
# The server knows a nonce for five minutes: a repeat after that could publish twice.
LONGEST_PATIENCE_SECONDS: Final = 240.0
MAX_PAGE: Final = 1000

State = Literal["connecting", "live", "recovering", "closed"]


class Channel:
    """A channel that was joined, and is again after each loss of the connection.

    Iterate over it for its messages: in order, and each exactly once. Where some can't be had any
    more (the connection was lost for longer than history reaches, or the server's Redis has lost
    its data), a message of the type `discontinuity` stands in their place: reload what you hold;
    what history still has, and you weren't handed, follows.

    The iteration ends when the channel is left or closed, and raises `HearthError` when the server
    takes the channel away: `forbidden`, `token_expired`, `unauthorized`. Messages that you are too
    slow for stay in the server's history and are read from there; only those that history doesn't
    keep (`typing`, …) are then dropped. One task reads at a time; others wait.
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
        """`connecting` until it is joined for the first time, `live` while nothing is missing,
        `recovering` while something is, or there is no connection, `closed` in the end."""
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

        Lost connections, a server without its Redis and one's own rate limit are waited for.

        Args:
            type: e.g. `agent_message`.
            data: the payload, plain JSON.
            action, nonce: of the envelope; a nonce of your own makes it safe to publish this
                again in another process, within five minutes.
            timeout: how long to try, in seconds, at most 240.

        Raises:
            HearthError: `invalid`, `forbidden`, `too_large`, …; `timeout` when nothing was
                acknowledged in time: it may have been published, or not; `closed`.
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
            before: only those whose offset is below.
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
        """Return who is in the channel. Raises as `history` does."""
        return await self._link.ask("presence", {"channel": self.name}, messages.presence, timeout)

    async def leave(self) -> None:
        """Leave the channel: its iteration ends."""
        if self.state == "closed":
            return
        self._left = True
        self._link.unsubscribe(self.name)
        self._inbox.clear()
        self._changed.set()
        if (connection := self._link.connection) is not None:
            # Where it can't be told, the server will have seen the connection end.
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
        """Return once it is joined for the first time. Raises what prevents it."""
        await asyncio.shield(self._joined)

    # What the link tells

    async def join(self, connection: Connection) -> None:
        """Join, as often as it takes; see `Subscriber`."""

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
            self._joined.exception()  # whoever waits has it; nobody has to
        self._changed.set()

    def _on_joined(self, answer: dict[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._inbox.on_joined(answer, now)
        if not self._joined.done():
            self._joined.set_result(None)
        self._changed.set()

    async def _catch_up(self, connection: Connection) -> None:
        """Ask the server for what the inbox lacks."""
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
        """Ask until there is an answer, the connection is lost, or the server refuses for good."""
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
        # What isn't JSON would end the connection, and so would each attempt.
        raise HearthError("invalid", "It is no plain JSON.", {"data": str(error)}) from None
    request: dict[str, Any] = {"channel": channel, "data": data, "nonce": nonce or uuid.uuid4().hex}
    if action is not None:
        request["action"] = action
    return await link.ask(type, request, messages.receipt, timeout, size)
