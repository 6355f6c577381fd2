"""Subscriptions: receive what is published in Redis, all on one connection."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

import hiredis
import structlog

from app.core.errors import Unavailable
from app.redis.commands import ANSWER_SECONDS
from app.redis.connector import Connector, Link
from app.redis.reconnecting import ReconnectingLink

_SUBSCRIBED_AT_ONCE: Final = 500

log = structlog.get_logger("hearth.redis")

OnMessage = Callable[[bytes], None]
OnAnswer = Callable[[Any], None]
#: Receives the name of a Redis channel that matches a pattern, and what was published there.
OnMatch = Callable[[bytes, bytes], None]


class Subscriptions(ReconnectingLink):
    """The connection for pub/sub.

    When it is lost, the `on_interrupted` callbacks are called: nothing is received until everything
    is subscribed again. Then the `on_regained` callbacks are called, because messages were missed.
    Messages arrive in between already. `suspect` calls both.
    """

    def __init__(self, connector: Connector, lost: Counter[str] | None = None) -> None:
        super().__init__(connector, "subscriptions", lost)
        self._interrupted: list[Callable[[], None]] = []
        self._regained: list[Callable[[], None]] = []
        self._handlers: dict[bytes, OnMessage] = {}
        self._patterns: dict[bytes, OnMatch] = {}
        # Expected confirmations, for each channel or pattern in the order of its commands.
        self._unconfirmed: dict[bytes, deque[asyncio.Future[None]]] = {}
        self._refusal = ""
        self._questions: list[tuple[tuple[str | int, ...], OnAnswer]] = []
        self._unanswered: deque[OnAnswer] = deque()

    @property
    def ready(self) -> bool:
        """Whether the connection is open."""
        return self.link is not None

    def on_interrupted(self, interrupted: Callable[[], None]) -> None:
        """Register a callback for when what arrives next doesn't follow what arrived last."""
        self._interrupted.append(interrupted)

    def on_regained(self, regained: Callable[[], None]) -> None:
        """Register a callback for when published messages may have been missed."""
        self._regained.append(regained)

    def ask(self, *command: str | int, on_answer: OnAnswer) -> None:
        """Have Redis answer a command on each new connection, before anything is subscribed there.

        So the answer is of an instant after which everything that is published is received.
        """
        self._questions.append((command, on_answer))

    def listen(self, channel: str, handler: OnMessage) -> None:
        """Subscribe to a channel for ever, as soon as Redis can be reached."""
        self._handlers[channel.encode()] = handler
        if self.link is not None:
            self.link.send("SUBSCRIBE", channel)

    async def subscribe(self, channel: str, handler: OnMessage) -> None:
        """Call `handler` with whatever is published in `channel` from now on.

        It is called in the order of publishing, and must not block. Returns once Redis has
        confirmed the subscription.

        Raises:
            Unavailable: Redis can't be reached, or doesn't reply in time.
        """
        name = channel.encode()
        self._handlers[name] = handler
        try:
            await self._confirmed("SUBSCRIBE", name)
        except BaseException:
            if self._handlers.get(name) is handler:
                self.unsubscribe(channel)
            raise

    async def drained(self) -> None:
        """Wait until everything that Redis has published by now has been received.

        Raises:
            Unavailable: as `subscribe`.
        """
        # Redis confirms a subscription that it already has, behind what it has published before.
        await self._confirmed("SUBSCRIBE", next(iter(self._handlers)))

    def unsubscribe(self, channel: str) -> None:
        """Undo `subscribe`."""
        name = channel.encode()
        if self._handlers.pop(name, None) is not None and self.link is not None:
            self.link.send("UNSUBSCRIBE", name)

    async def subscribe_pattern(self, pattern: str, handler: OnMatch) -> None:
        """Call `handler` with whatever is published in channels that match a glob pattern.

        As `subscribe`.
        """
        name = pattern.encode()
        self._patterns[name] = handler
        try:
            await self._confirmed("PSUBSCRIBE", name)
        except BaseException:
            if self._patterns.get(name) is handler:
                self.unsubscribe_pattern(pattern)
            raise

    def unsubscribe_pattern(self, pattern: str) -> None:
        """Undo `subscribe_pattern`."""
        name = pattern.encode()
        if self._patterns.pop(name, None) is not None and self.link is not None:
            self.link.send("PUNSUBSCRIBE", name)

    async def _confirmed(self, command: str, name: bytes) -> None:
        link = self.link
        if link is None:
            raise Unavailable
        loop = asyncio.get_running_loop()
        confirmed: asyncio.Future[None] = loop.create_future()
        self._unconfirmed.setdefault(name, deque()).append(confirmed)
        link.send(command, name)
        timer = loop.call_later(ANSWER_SECONDS, _fail, confirmed)
        try:
            await confirmed
        finally:
            timer.cancel()

    # The connection

    async def on_open(self, link: Link) -> None:
        for command, on_answer in self._questions:
            link.send(*command)
            self._unanswered.append(on_answer)
        self.link = link
        loop = asyncio.get_running_loop()
        names = iter(list(self._handlers))
        while chunk := list(islice(names, _SUBSCRIBED_AT_ONCE)):
            some = [name for name in chunk if name in self._handlers]
            if not some:
                continue
            confirmations = [loop.create_future() for _ in some]
            for name, confirmed in zip(some, confirmations, strict=True):
                self._unconfirmed.setdefault(name, deque()).append(confirmed)
            link.send("SUBSCRIBE", *some)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await confirmations[-1]
            except Unavailable:
                raise ConnectionRefusedError(
                    "it refuses subscriptions: see the line before"
                ) from None
        for pattern in self._patterns:  # few, and no promise depends on them
            link.send("PSUBSCRIBE", pattern)
        _call(self._regained)

    def suspect(self) -> None:
        """Act as if the connection had been lost: published messages may have been missed."""
        _call(self._interrupted)
        _call(self._regained)

    def on_reply(self, reply: Any) -> None:
        if self._unanswered:
            self._unanswered.popleft()(reply)
            return
        if not isinstance(reply, list):
            self._on_error(reply)
            return
        if len(reply) < 3 or not isinstance(name := reply[1], bytes):
            return  # nothing that is published or confirmed looks so
        kind, _name, *rest = reply
        if kind == b"message":
            handler = self._handlers.get(name)
            if handler is not None:
                try:
                    handler(rest[0])
                except Exception:  # the connection is shared
                    log.exception("could not handle a published message", channel=name.decode())
        elif kind == b"pmessage":
            matches = self._patterns.get(name)
            if matches is not None:
                try:
                    matches(*rest)
                except Exception:  # the connection is shared
                    log.exception("could not handle a published message", pattern=name.decode())
        elif kind in (b"subscribe", b"psubscribe"):
            confirmations = self._unconfirmed.get(name)
            if confirmations:
                confirmed = confirmations.popleft()
                if not confirmed.done():
                    confirmed.set_result(None)
                if not confirmations:
                    del self._unconfirmed[name]

    def _on_error(self, reply: Any) -> None:
        # For example, the user may not subscribe. Redis doesn't name the channel, and confirms none
        # of those in the same command.
        if isinstance(reply, hiredis.ReplyError):
            reason = str(reply)[:200]
            if reason != self._refusal:
                log.error("Redis refused a subscription", redis=self._connector.host, reason=reason)
            self._refusal = reason
        self._fail_unconfirmed()

    def on_lost(self) -> None:
        self._unanswered.clear()
        _call(self._interrupted)
        self._fail_unconfirmed()

    def _fail_unconfirmed(self) -> None:
        unconfirmed, self._unconfirmed = self._unconfirmed, {}
        for futures in unconfirmed.values():
            for future in futures:
                _fail(future)


def _call(callbacks: list[Callable[[], None]]) -> None:
    for callback in callbacks:
        try:
            callback()
        except Exception:
            log.exception("could not recover missed messages")


def _fail(confirmed: asyncio.Future[None]) -> None:
    if not confirmed.done():
        confirmed.set_exception(Unavailable())
        confirmed.exception()  # marks it as retrieved: nobody may be waiting any more
