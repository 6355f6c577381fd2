"""Channels, as programs use them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final, Generic, Literal, cast

from hearth_realtime import messages
from hearth_realtime.connection import Answer, Connection
from hearth_realtime.errors import ConnectionLost, HearthError, closed
from hearth_realtime.inbox import Inbox
from hearth_realtime.link import Link, backoff, retry_after
from hearth_realtime.messages import Message_co, Page, Position, Presence, Receipt, Sender
from hearth_realtime.publishing import PATIENCE_SECONDS, publish
from hearth_realtime.roster import Roster

log = logging.getLogger("hearth_realtime")

# Who doesn't say for a while that they are typing is taken to have stopped.
TYPING_SECONDS: Final = 3.0

State = Literal["connecting", "live", "recovering", "closed"]


class Channel(Generic[Message_co]):
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
        self._roster = Roster()
        self._changed = asyncio.Event()
        self._joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._error: Exception | None = None
        self._left = False
        self._waiting = 0  # how many wait for the first join
        self._handed_out = False
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

    @property
    def members(self) -> list[Sender]:
        """Who is here, as far as the server tells by itself: the first 100, and changes of them in
        circles. `presence` asks for all."""
        return self._roster.members

    async def publish(
        self,
        type: str,  # noqa: A002 - the protocol's word
        data: Mapping[str, Any],
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
    ) -> Page[Message_co]:
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

    @asynccontextmanager
    async def typing(self) -> AsyncIterator[None]:
        """Show the others of a circle that one is typing, as long as the block takes."""
        saying = asyncio.create_task(self._say_typing())
        try:
            yield
        finally:
            saying.cancel()
            await asyncio.wait([saying])
            await self._say_that_typing(False)

    async def mark_read(self, *ids: int | str) -> Receipt:
        """Mark notifications as read on every device of the user; without ids, all of them.

        Args:
            ids: of the notifications' data. Raises as `publish` does.
        """
        return await self.publish("notification_read", {"ids": list(ids)} if ids else {"all": True})

    async def leave(self) -> None:
        """Leave the channel; its iteration ends. Who gives up waiting for that has left too."""
        if (leaving := self._leave()) is not None:
            await asyncio.wait([leaving])

    def __aiter__(self) -> Channel[Message_co]:
        return self

    async def __anext__(self) -> Message_co:
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
            return cast("Message_co", message)

    async def wait_joined(self) -> None:
        """Return once the channel is joined for the first time. Raises what prevents that.

        If all who wait give up, the channel is left.
        """
        self._waiting += 1
        try:
            await asyncio.shield(self._joined)
            self._handed_out = True
        finally:
            self._waiting -= 1
            if not self._waiting and not self._handed_out:
                self._leave()

    # The link's events: see `Subscriber`

    async def join(self, connection: Connection) -> None:
        """Join, with as many attempts as it takes."""

        def request() -> dict[str, Any]:
            if self._left:
                raise closed()
            since = self._inbox.join_request()
            return since or ({"history": self._history} if self._history else {})

        async with self._joining:
            await self._insist(connection, "join", request, self._on_joined)

    def on_message(self, envelope: dict[str, Any]) -> None:
        self._inbox.on_message(envelope)
        self._roster.on_message(envelope)
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

    def _leave(self) -> asyncio.Task[None] | None:
        """Leave; return what one may wait for."""
        if self.state == "closed":
            return None
        self._left = True
        self._inbox.clear()
        self._changed.set()
        return self._link.leave(self.name)

    async def _say_typing(self) -> None:
        while True:
            await self._say_that_typing(True)
            await asyncio.sleep(TYPING_SECONDS)

    async def _say_that_typing(self, typing: bool) -> None:
        # It isn't worth an error, nor a second attempt: nobody is told late.
        connection = self._link.connection
        with suppress(ConnectionLost, HearthError):
            if connection is not None:
                request = {"channel": self.name, "data": {"typing": typing}}
                await connection.call("typing", request, dict)

    def _on_joined(self, answer: dict[str, Any]) -> None:
        if self._left:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._inbox.on_joined(answer, now)
        self._roster.on_joined(answer)
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
        waits, told = backoff(), False
        while not self._left and not connection.ended.is_set():
            try:
                await connection.call(event, lambda: {"channel": self.name} | request(), then)
                return
            except ConnectionLost:
                break
            except HearthError as error:
                if self._left:
                    return
                if not self._link.may_retry(error):
                    self._link.unsubscribe(self.name)
                    self.on_end(error)
                    return
                if not told and error.code != "rate_limited":
                    told = True
                    log.warning("%s, %s: %s; trying again", self._link, self.name, error)
                await asyncio.sleep(retry_after(error, waits))
        if not self._left:
            self._link.drop(connection)
