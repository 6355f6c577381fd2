"""Hear what is published in Redis: one connection for all channels of this process."""

from __future__ import annotations

import asyncio
from collections import deque
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


class Subscriptions(ReconnectingLink):
    """The connection for what is published.

    After a loss everything is subscribed again, and then whoever asked for it by `on_regained` is
    told: what was published meanwhile was missed. `suspect` tells them too.
    """

    def __init__(self, connector: Connector) -> None:
        super().__init__(connector, "subscriptions")
        self._regained: list[Callable[[], None]] = []
        self._handlers: dict[bytes, OnMessage] = {}
        # Confirmations that are due, for each channel in the order of asking.
        self._due: dict[bytes, deque[asyncio.Future[None]]] = {}
        self._refusal = ""

    @property
    def ready(self) -> bool:
        """Whether there is a connection."""
        return self.link is not None

    def on_regained(self, regained: Callable[[], None]) -> None:
        """Have `regained` called whenever something that was published may have been missed."""
        self._regained.append(regained)

    def listen(self, channel: str, handler: OnMessage) -> None:
        """Subscribe to a channel for good, as soon as Redis can be reached."""
        self._handlers[channel.encode()] = handler
        if self.link is not None:
            self.link.send("SUBSCRIBE", channel)

    async def subscribe(self, channel: str, handler: OnMessage) -> None:
        """Have `handler` called with whatever is published in `channel` from now on.

        It is called in the order of publishing, and must not wait.

        Raises:
            Unavailable: Redis can't be reached, or doesn't answer in time.
        """
        name = channel.encode()
        link = self.link
        if link is None:
            raise Unavailable
        loop = asyncio.get_running_loop()
        confirmed: asyncio.Future[None] = loop.create_future()
        self._handlers[name] = handler
        self._due.setdefault(name, deque()).append(confirmed)
        link.send("SUBSCRIBE", name)
        timer = loop.call_later(ANSWER_SECONDS, _fail, confirmed)
        try:
            await confirmed
        except BaseException:
            if self._handlers.get(name) is handler:
                self.unsubscribe(channel)
            raise
        finally:
            timer.cancel()

    def unsubscribe(self, channel: str) -> None:
        """Stop what `subscribe` began."""
        name = channel.encode()
        if self._handlers.pop(name, None) is not None and self.link is not None:
            self.link.send("UNSUBSCRIBE", name)

    # The connection

    async def on_open(self, link: Link) -> None:
        self.link = link
        loop = asyncio.get_running_loop()
        names = iter(list(self._handlers))
        while chunk := list(islice(names, _SUBSCRIBED_AT_ONCE)):
            some = [name for name in chunk if name in self._handlers]
            if not some:
                continue
            due = [loop.create_future() for _ in some]
            for name, confirmed in zip(some, due, strict=True):
                self._due.setdefault(name, deque()).append(confirmed)
            link.send("SUBSCRIBE", *some)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await due[-1]
            except Unavailable:
                raise ConnectionRefusedError("Redis doesn't let us subscribe") from None
        self.suspect()

    def suspect(self) -> None:
        """Say that something that was published may have been missed."""
        for regained in self._regained:
            try:
                regained()
            except Exception:
                log.exception("could not make up for what was missed")

    def on_reply(self, reply: Any) -> None:
        if not isinstance(reply, list):
            self._on_error(reply)
            return
        kind, name, *rest = reply
        if kind == b"message":
            handler = self._handlers.get(name)
            if handler is not None:
                try:
                    handler(rest[0])
                except Exception:  # the connection is everybody's
                    log.exception("could not take what was published", channel=name.decode())
        elif kind == b"subscribe":
            due = self._due.get(name)
            if due:
                confirmed = due.popleft()
                if not confirmed.done():
                    confirmed.set_result(None)
                if not due:
                    del self._due[name]

    def _on_error(self, reply: Any) -> None:
        # A user without the right to subscribe, say. Redis doesn't tell to which channel, and
        # confirms none of those that it was asked for at once.
        if isinstance(reply, hiredis.ReplyError):
            said = str(reply)[:200]
            if said != self._refusal:
                log.error("Redis refused a subscription", redis=self._connector.host, reason=said)
            self._refusal = said
        self._fail_due()

    def on_lost(self) -> None:
        self._fail_due()

    def _fail_due(self) -> None:
        due, self._due = self._due, {}
        for futures in due.values():
            for future in futures:
                _fail(future)


def _fail(confirmed: asyncio.Future[None]) -> None:
    if not confirmed.done():
        confirmed.set_exception(Unavailable())
        confirmed.exception()  # whoever waited may be gone
