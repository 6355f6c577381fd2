"""Inbox in Redis: what is for workers alone is added to the stream of what clients publish."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from pathlib import Path
from typing import Any, Final

from app.broker.keys import INBOX_SIZE, Keys
from app.core.channel import Channel
from app.core.message import IDEMPOTENCY_SECONDS, Message, Receipt
from app.redis.commands import Commands
from app.redis.scripts import load_script
from app.redis.window import SMALL_BYTES

INBOX: Final = load_script(Path(__file__).parent / "lua", "inbox")


class RedisInbox:
    """See `Inbox`."""

    def __init__(self, commands: Commands, keys: Keys) -> None:
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
            [keys.inbox, head, head if nonce is None else keys.nonce(channel, nonce)],
            [
                self._commands.deadline(),
                INBOX_SIZE,
                int(nonce is not None),
                message.timestamp,
                IDEMPOTENCY_SECONDS,
                channel.namespace,
                channel.name,
                message.type,
                message.body,
            ],
            _receipt,
        )


def _receipt(reply: list[Any]) -> Receipt:
    epoch, timestamp, duplicate = reply
    return Receipt(None, epoch.decode().strip("-"), timestamp.decode(), bool(duplicate))
