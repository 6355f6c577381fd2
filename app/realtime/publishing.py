"""What the server itself emits into channels is published."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import socketio

from app.core.channel import is_sid
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
        """As python-socketio's; an emit into a channel publishes a message there.

        Raises:
            SchemaError: of an emit into a channel: no schema accepts it; nothing was published.
            Unavailable: the broker, or the other processes, can't be reached.
        """
        room = to or room
        message = {
            "event": event,
            "data": list(data) if isinstance(data, tuple) else [data],
            "namespace": namespace,
            "room": room,
            "binary": Packet.data_is_binary(data),
            "skip_sid": skip_sid,
            "callback": callback,
        }
        if await self.publish(message):
            room = sids_apart(self.manager, namespace or "/", room)
            if not room:
                return
        await super().emit(
            event,
            data,
            room=room,
            skip_sid=skip_sid,
            namespace=namespace,
            callback=callback,
            ignore_queue=ignore_queue,
        )


def sids_apart(manager: Any, namespace: str, rooms: Any) -> list[str]:
    """Return the session ids in a list of rooms, without those that are in one of its other rooms:
    what is emitted there reaches them as members."""
    if not isinstance(rooms, list | tuple):
        return []
    names = {str(room) for room in rooms if not is_sid(room)}
    found = [room for room in rooms if is_sid(room)]
    clients = {sid: manager.client(namespace, sid) for sid in found}
    return [sid for sid, client in clients.items() if client is None or not client.rooms & names]


async def _publish_nothing(_message: dict[str, Any]) -> bool:
    return False
