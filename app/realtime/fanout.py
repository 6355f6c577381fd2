"""Hand publications to the members in this process: a channel is a room of python-socketio."""

from __future__ import annotations

from app.core.channel import Channel
from app.core.message import Publication
from app.realtime.manager import Rooms
from app.transport import frames
from app.transport.room import Sent


class RoomFanOut:
    """Encode each publication once, as the frame that every member gets."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def enter(self, sid: str, channel: Channel) -> None:
        if self._rooms.is_connected(sid, channel.namespace):
            self._rooms.basic_enter_room(sid, channel.namespace, channel.name)

    def leave(self, sid: str, channel: Channel) -> None:
        self._rooms.basic_leave_room(sid, channel.namespace, channel.name)

    def has_members(self, channel: Channel) -> bool:
        return self._rooms.room(channel.namespace, channel.name) is not None

    def deliver(self, channel: Channel, publication: Publication) -> None:
        room = self._rooms.room(channel.namespace, channel.name)
        if room is not None:
            room.send(_frame(channel, publication), publication)

    def send(self, sid: str, channel: Channel, publication: Publication) -> None:
        client = self._rooms.client(channel.namespace, sid)
        if client is None:
            return
        frame, trail = _frame(channel, publication), client.trail(channel.name)
        if trail is None:
            client.connection.write(frame)
        else:
            trail.write(Sent([frame], [publication]))


def _frame(channel: Channel, publication: Publication) -> bytes:
    """Return the EVENT packet that carries a publication (Socket.IO protocol, packet encoding)."""
    return frames.encode(
        frames.TEXT,
        b'42%b,["%b",%b]'
        % (channel.namespace.encode(), publication.type.encode(), publication.body),
    )
