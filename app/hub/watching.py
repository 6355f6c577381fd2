"""Watching: members that receive what is published in all channels of a namespace."""

from __future__ import annotations

from typing import Final, Protocol

from app.broker.contract import Broker
from app.core.channel import Channel
from app.core.errors import Forbidden
from app.core.identity import Identity
from app.core.message import Publication
from app.hub.locks import KeyedLocks

#: A channel of no such name stands for all of them: only a grant of `*` covers it.
EVERY_CHANNEL: Final = "*"


class Watcher(Protocol):
    """A receiver of all publications of a namespace."""

    def on_watched(self, channel: Channel, publication: Publication) -> None:
        """Receive a publication. It neither blocks nor raises."""


def may_watch(identity: Identity, namespace: str) -> bool:
    """Return whether `identity` may read every channel of a namespace."""
    return identity.granted(Channel(namespace, EVERY_CHANNEL), "r")


class Watching:
    """The watchers in this process, by namespace. Those of one share what the broker passes on."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._watchers: dict[str, dict[Watcher, None]] = {}
        self._locks = KeyedLocks()

    async def watch(self, watcher: Watcher, identity: Identity, namespace: str) -> None:
        """Pass what is published in a namespace to `watcher` from now on.

        Raises:
            Forbidden: the identity may not read all of its channels.
            Unavailable: the broker can't be reached.
        """
        if not may_watch(identity, namespace):
            raise Forbidden(
                f"The token does not permit reading every channel of {namespace}; a grant "
                f"for * there does."
            )
        async with self._locks.hold(namespace):
            watchers = self._watchers.get(namespace)
            if watchers is None:
                watchers = self._watchers[namespace] = {}
                try:
                    await self._broker.watch(namespace, self._on_watched)
                except BaseException:
                    del self._watchers[namespace]
                    raise
            watchers[watcher] = None

    async def unwatch(self, watcher: Watcher, namespace: str) -> None:
        """Undo `watch`; does nothing where it doesn't watch."""
        async with self._locks.hold(namespace):
            watchers = self._watchers.get(namespace, {})
            if watchers.pop(watcher, watcher) is None and not watchers:
                del self._watchers[namespace]
                await self._broker.unwatch(namespace)

    def _on_watched(self, channel: Channel, publication: Publication) -> None:
        for watcher in self._watchers.get(channel.namespace, ()):
            watcher.on_watched(channel, publication)
