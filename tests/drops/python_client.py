"""The client library for Python."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from unittest.mock import patch

import hearth_realtime
from hearth_realtime import link as links
from hearth_realtime.connection import Connection

from tests.drops.client import Client
from tests.promises.topics import Topic

#: Who is waited for comes back at once, and not when it is the server's turn to rest.
_LONGEST_WAIT_SECONDS: Final = 0.1


class PythonClient(Client):
    """hearth_realtime, that has a connection to each namespace and joins again with `since`."""

    def __init__(self, topics: Sequence[Topic], *further: Any) -> None:
        super().__init__(topics, *further)
        self._hearth: hearth_realtime.Hearth
        self._channels: list[hearth_realtime.Channel] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._opened = dict.fromkeys((topic.namespace for topic in topics), 0)
        self._patches = patch.multiple(
            links,
            FIRST_WAIT_SECONDS=_LONGEST_WAIT_SECONDS,
            LONGEST_WAIT_SECONDS=_LONGEST_WAIT_SECONDS,
            Connection=self._counted(),
        )

    @property
    def up(self) -> bool:
        return self.joined and all(channel.state == "live" for channel in self._channels)

    async def start(self, url: str) -> None:
        self._patches.start()
        # So many that no reader is slow: what it leaves to history may be gone from there.
        self._hearth = hearth_realtime.connect(url, token=self.token, max_unread=100_000)
        self._tasks = [asyncio.create_task(self._read(topic)) for topic in self.topics]

    async def close_transport(self) -> None:
        for link in self._hearth._links.values():
            if link.connection is not None:
                await link.connection._wire.close()

    async def stop(self) -> None:
        await self._hearth.close()
        self._patches.stop()
        await asyncio.gather(*self._tasks)

    def _counted(self) -> type[Connection]:
        """Return a class of connections that are counted in `opened`."""
        client = self

        class Counted(Connection):
            async def open(self, token: str) -> None:
                await super().open(token)
                client._opened[self._namespace] += 1
                client.opened = min(client._opened.values())

        return Counted

    async def _read(self, topic: Topic) -> None:
        channel = await self._hearth.channel(topic.namespace, topic.channel)
        self._channels.append(channel)
        place = channel._inbox.position  # that of the join, as long as nobody publishes
        assert place is not None
        self.on_joined(str(topic), place.offset, place.epoch)
        async for message in channel:
            if message.type == hearth_realtime.DISCONTINUITY:
                self.on_discontinuity(str(topic), message.data["offset"], message.epoch)
            else:
                self.on_event(topic.namespace, _envelope_of(message))


def _envelope_of(message: hearth_realtime.Message) -> dict[str, Any]:
    """Return the envelope that it was made from."""
    keys = ("type", "channel", "data", "timestamp", "offset", "sender", "action", "nonce")
    values = {key: getattr(message, key) for key in keys}
    return {key: value for key, value in values.items() if value is not None}
