"""Sources of what workers send: emits of stock managers, and the event bus."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from app.hub.hub import Hub
from app.redis.subscriptions import Subscriptions
from app.workers.backlog import Read, limited, refuse
from app.workers.emits import is_for_channels, read_emit
from app.workers.ingest import Ingest
from app.workers.routes import Route, read_event


class EmitSource:
    """Passes emits of stock managers to the ingest, if they are for channels.

    Args:
        channel: the Redis channel of the emits (`EMIT_CHANNEL`).
        max_message_bytes: larger emits are rejected.
    """

    def __init__(self, hub: Hub, ingest: Ingest, channel: str, max_message_bytes: int) -> None:
        self._hub = hub
        self._ingest = ingest
        self._channel = channel
        self._max_message_bytes = max_message_bytes

    def offer(self, emit: dict[str, Any], data: bytes) -> bool:
        """Ingest an emit, given parsed and as received; return False if it isn't for channels."""
        if not is_for_channels(self._hub, emit):
            return False
        self._receive(data, partial(read_emit, self._hub, emit))
        return True

    def reject(self, data: bytes, reason: str) -> None:
        """Have an unreadable emit rejected."""
        self._receive(data, refuse(reason))

    def _receive(self, data: bytes, read: Read) -> None:
        self._ingest.receive(self._channel, data, limited(read, len(data), self._max_message_bytes))


class BusSource:
    """Passes messages of the event bus to the ingest.

    Args:
        routes: by Redis channel.
        max_message_bytes: larger messages are rejected.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        ingest: Ingest,
        routes: Mapping[str, Route],
        max_message_bytes: int,
    ) -> None:
        self._subscriptions = subscriptions
        self._ingest = ingest
        self._routes = routes
        self._max_message_bytes = max_message_bytes

    def start(self) -> None:
        """Subscribe to every route's Redis channel."""
        for channel, route in self._routes.items():
            self._subscriptions.listen(channel, partial(self._receive, channel, route))

    def _receive(self, channel: str, route: Route, data: bytes) -> None:
        read = partial(read_event, route, data)
        self._ingest.receive(channel, data, limited(read, len(data), self._max_message_bytes))
