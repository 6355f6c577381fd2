"""Inbox in Redis: what is for workers alone is added to the stream of what clients publish."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any, Final

from app.broker.keys import Keys
from app.broker.redis_inbox import InboxBounds
from app.broker.redis_log import LUA
from app.core.channel import Channel
from app.core.message import IDEMPOTENCY_SECONDS, Message, Receipt
from app.redis.commands import Commands
from app.redis.scripts import load_script
from app.redis.window import SMALL_BYTES

INBOX: Final = load_script(LUA, "stream", "inbox_bounds", "inbox")


class RedisInbox:
    """See `Inbox`."""

    def __init__(self, commands: Commands, keys: Keys, bounds: InboxBounds) -> None:
        self._bounds = bounds
        self._commands = commands
        self._keys = keys

    def add_nowait(self, channel: Channel, message: Message) -> Awaitable[Receipt]:
        begin = partial(self._begin, channel, message)
        window = self._commands.window
        if len(message.body) > SMALL_BYTES or window.congested:
            return window.run(len(message.body), begin)
        return begin()

    def _begin(self, channel: Channel, message: Message) -> asyncio.Future[Receipt]:
        keys, nonce = self._keys, message.nonce_key
        head = keys.head(channel)
        return self._commands.begin(
            INBOX,
            # Never '': the Redis user may have rights to our keys only.
            [
                keys.inbox,
                keys.inbox_note,
                head,
                head if nonce is None else keys.nonce(channel, nonce),
            ],
            [
                self._commands.deadline(),
                self._bounds.size,
                self._bounds.most_bytes,
                int(nonce is not None),
                message.timestamp,
                IDEMPOTENCY_SECONDS,
                channel.namespace,
                channel.name,
                message.type,
                message.body,
            ],
            self._receipt,
        )

    def _receipt(self, reply: list[Any]) -> Receipt:
        epoch, timestamp, duplicate, lost = reply
        if lost:
            self._bounds.note_lost(lost)
        return Receipt(None, epoch.decode().strip("-"), timestamp.decode(), bool(duplicate))
