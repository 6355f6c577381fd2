"""Hand publications to plain members: a room per channel, one frame for all in it."""

from __future__ import annotations

from app.core.channel import Channel
from app.core.counters import Counters
from app.core.message import Publication
from app.plain.connection import PlainConnection
from app.plain.texts import frame_of
from app.transport.room import Room


class PlainFanOut:
    """The `FanOut` of plain members.

    Args:
        counters: of what is delivered.
    """

    def __init__(self, counters: Counters) -> None:
        #: Who may become a member, by session id.
        self.connections: dict[str, PlainConnection] = {}
        self._counters = counters
        self._rooms: dict[Channel, Room] = {}

    def enter(self, sid: str, channel: Channel) -> None:
        connection = self.connections.get(sid)
        if connection is None:
            return
        room = self._rooms.get(channel)
        if room is None:
            room = self._rooms[channel] = Room(self._counters)
        room.add(sid, connection)

    def leave(self, sid: str, channel: Channel) -> None:
        room = self._rooms.get(channel)
        if room is None:
            return
        room.remove(sid)
        if not room:
            del self._rooms[channel]

    def has_members(self, channel: Channel) -> bool:
        return channel in self._rooms

    def deliver(self, channel: Channel, publication: Publication) -> None:
        room = self._rooms.get(channel)
        if room is not None and (frame := frame_of(channel, publication)):
            room.send(frame, publication)

    def send(self, sid: str, channel: Channel, publication: Publication) -> None:
        connection = self.connections.get(sid)
        if connection is not None:
            connection.write(frame_of(channel, publication))
