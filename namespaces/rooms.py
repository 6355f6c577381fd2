"""What python-socketio calls rooms, where they are channels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.core.channel import Channel, is_sid
from app.hub.hub import Hub
from namespaces.base import ChannelNamespace


class NamespaceRooms:
    """Have `enter_room`, `leave_room` and `close_room`, of the server or of a worker, join and
    leave channels: presence, order and fan-out then hold for those members too.

    Who may call them is trusted: a member so gets in whatever its token says.
    """

    def __init__(self, hub: Hub, namespaces: Iterable[ChannelNamespace]) -> None:
        self._hub = hub
        self._namespaces = {namespace.path: namespace for namespace in namespaces}

    def covers(self, namespace: str, room: Any) -> bool:
        return namespace in self._namespaces and not is_sid(room)

    async def enter(self, namespace: str, sid: str, room: str) -> None:
        """Make a connection a member, unless it is one.

        Raises:
            ValueError: it isn't connected; the room can't be a channel (`SchemaError`).
            Unavailable: the broker can't be reached.
        """
        home = self._namespaces[namespace]
        channel = Channel(namespace, str(room))
        member = home.member(sid)
        if member is None:
            raise ValueError("sid is not connected to requested namespace")
        async with home.joins.take((sid, channel)):
            if channel not in member.channels:
                async with self._hub.memberships.joining(member, channel, None, None, trusted=True):
                    pass

    async def leave(self, namespace: str, sid: str, room: str) -> None:
        """End a membership, if there is one."""
        member = self._namespaces[namespace].member(sid)
        if member is not None:
            await self._hub.memberships.leave(member, Channel(namespace, str(room)))
