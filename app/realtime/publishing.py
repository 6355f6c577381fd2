"""What the server itself emits into channels is published."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import socketio

from app.realtime.packets import Packet


class PublishingServer(socketio.AsyncServer):  # type: ignore[misc]
    """`socketio.AsyncServer` whose emits may become messages, with offset and history.

    `publish` is offered each emit, in the form in which managers write it to Redis, and returns
    whether it has published it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.publish: Callable[[dict[str, Any]], Awaitable[bool]] = _publish_nothing

    async def emit(
        self,
        event: str,
        data: Any = None,
        to: Any = None,
        room: Any = None,
        skip_sid: Any = None,
        namespace: str | None = None,
        callback: Any = None,
        ignore_queue: bool = False,
    ) -> None:
        """As python-socketio's; an emit into a channel publishes a message there."""
        message = {
            "event": event,
            "data": list(data) if isinstance(data, tuple) else [data],
            "namespace": namespace,
            "room": to or room,
            "binary": Packet.data_is_binary(data),
            "callback": callback or skip_sid,
        }
        if not await self.publish(message):
            await super().emit(
                event, data, to, room, skip_sid, namespace, callback, ignore_queue=ignore_queue
            )


async def _publish_nothing(_message: dict[str, Any]) -> bool:
    return False
