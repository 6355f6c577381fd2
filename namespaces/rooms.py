"""The rooms of python-socketio that are channels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.core.channel import Channel, is_sid
from app.hub.hub import Hub
from app.hub.member import Member
from app.realtime.client import Client
from namespaces.requests import ChannelClient


class NamespaceRooms:
    """Makes `enter_room`, `leave_room` and `close_room`, called by the server or a worker, join and
    leave channels, with presence, order and fan-out as for any member; see `ChannelRooms`.

    The callers are trusted: the member's grants are not checked.

    Args:
        namespaces: the namespaces whose rooms are channels.
    """

    def __init__(self, hub: Hub, namespaces: Iterable[str]) -> None:
        self._memberships = hub.memberships
        self._namespaces = frozenset(namespaces)

    def covers(self, namespace: str, room: Any) -> bool:
        return namespace in self._namespaces and not is_sid(room)

    async def enter(self, client: Client, room: Any) -> None:
        """Make a client a member; does nothing if it is one.

        Raises:
            ValueError: it isn't connected; the room can't be a channel (`SchemaError`).
            Unavailable: the broker can't be reached.
        """
        member = _member(client)
        if member is None:
            raise ValueError("sid is not connected to requested namespace")
        await self._memberships.enter(member, _channel(client, room), trusted=True)

    async def leave(self, client: Client, room: Any) -> None:
        if (member := _member(client)) is not None:
            await self._memberships.leave(member, _channel(client, room))

    def of(self, client: Client) -> Iterable[str]:
        member = _member(client)
        return [channel.name for channel in member.channels] if member is not None else []

    def members(self, namespace: str, room: Any) -> Iterable[str]:
        return self._memberships.sids(Channel(namespace, str(room)))


def _channel(client: Client, room: Any) -> Channel:
    return Channel(client.namespace, str(room))


def _member(client: Client) -> Member | None:
    handler = client.handler
    return handler.member if isinstance(handler, ChannelClient) else None
