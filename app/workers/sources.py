"""Where workers' messages come from: emits of stock managers, and the event bus."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from app.hub.hub import Hub
from app.redis.subscriptions import Subscriptions
from app.workers.emits import is_for_channels, read_emit
from app.workers.intake import Intake
from app.workers.pending import Read, limited, refuse
from app.workers.routes import Route, read_event


class EmitSource:
    """Takes what stock managers emit into channels.

    Args:
        channel: the Redis channel that it comes through (`EMIT_CHANNEL`).
        max_message_bytes: what is larger is rejected.
    """

    def __init__(self, hub: Hub, intake: Intake, channel: str, max_message_bytes: int) -> None:
        self._hub = hub
        self._intake = intake
        self._channel = channel
        self._max_message_bytes = max_message_bytes

    def offer(self, emit: dict[str, Any], data: bytes) -> bool:
        """Take an emit, parsed and as it came; False when it is no channel's business."""
        if not is_for_channels(self._hub, emit):
            return False
        self._hear(data, partial(read_emit, self._hub, emit))
        return True

    def reject(self, data: bytes, reason: str) -> None:
        """Reject what nobody can take."""
        self._hear(data, refuse(reason))

    def _hear(self, data: bytes, read: Read) -> None:
        self._intake.hear(self._channel, data, limited(read, len(data), self._max_message_bytes))


class BusSource:
    """Takes what other systems publish on the event bus.

    Args:
        routes: by Redis channel.
        max_message_bytes: what is larger is rejected.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        intake: Intake,
        routes: Mapping[str, Route],
        max_message_bytes: int,
    ) -> None:
        self._subscriptions = subscriptions
        self._intake = intake
        self._routes = routes
        self._max_message_bytes = max_message_bytes

    def start(self) -> None:
        """Listen to every route's channel."""
        for channel, route in self._routes.items():
            self._subscriptions.listen(channel, partial(self._hear, channel, route))

    def _hear(self, channel: str, route: Route, data: bytes) -> None:
        read = partial(read_event, route, data)
        self._intake.hear(channel, data, limited(read, len(data), self._max_message_bytes))
