"""Hand publications to the members in this process: a channel is a room of python-socketio."""

from __future__ import annotations

import orjson

from app.core.channel import Channel, is_sid
from app.core.message import Publication
from app.realtime.server import Server


class RoomFanOut:
    """Queue each publication, encoded once, on every member's connection.

    Nothing waits here: whoever is in the room when a publication arrives gets it, in order.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._manager = server.manager

    def enter(self, sid: str, channel: Channel) -> None:
        if self._manager.is_connected(sid, channel.namespace):
            self._manager.basic_enter_room(sid, channel.namespace, channel.name)

    def leave(self, sid: str, channel: Channel) -> None:
        self._manager.basic_leave_room(sid, channel.namespace, channel.name)

    def has_members(self, channel: Channel) -> bool:
        return channel.name in self._manager.rooms.get(channel.namespace, {})

    def channels(self, namespace: str) -> list[Channel]:
        rooms = self._manager.rooms.get(namespace, {})
        return [Channel(namespace, room) for room in rooms if room is not None and not is_sid(room)]

    def deliver(self, channel: Channel, publication: Publication) -> None:
        room = self._manager.rooms.get(channel.namespace, {}).get(channel.name)
        if room:
            self._server.post_encoded(list(room.values()), _packet(channel, publication))

    def send(self, sid: str, channel: Channel, publication: Publication) -> None:
        eio_sid = self._manager.eio_sid_from_sid(sid, channel.namespace)
        if eio_sid is not None:
            self._server.post_encoded([eio_sid], _packet(channel, publication))


def _packet(channel: Channel, publication: Publication) -> str:
    """Return the EVENT packet that carries a publication (Socket.IO protocol, packet encoding)."""
    event = orjson.dumps(publication.type)
    return (b"2%b,[%b,%b]" % (channel.namespace.encode(), event, publication.body)).decode()
