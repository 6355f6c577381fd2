"""The fan-out: hands publications to the members in this process, encoded once per protocol."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.channel import Channel
from app.core.counters import Counters
from app.core.message import Publication
from app.hub.member import Member
from app.transport.room import Encoding, Room


class FanOut:
    """The one registry of who is in which channel here. Nothing waits or raises.

    Args:
        counters: of what is delivered.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._rooms: dict[Channel, dict[Encoding, Room]] = {}

    def enter(self, member: Member, channel: Channel) -> None:
        """Hand a member what is delivered in `channel` from now on."""
        rooms = self._rooms.get(channel)
        if rooms is None:
            rooms = self._rooms[channel] = {}
        encoding = member.encoding
        room = rooms.get(encoding)
        if room is None:
            room = rooms[encoding] = encoding.room(channel, self._counters)
        room.add(member)

    def leave(self, member: Member, channel: Channel) -> None:
        """End what `enter` began."""
        rooms = self._rooms.get(channel)
        if rooms is None or (room := rooms.get(member.encoding)) is None:
            return
        room.remove(member.sid)
        if not room:
            del rooms[member.encoding]
            if not rooms:
                del self._rooms[channel]

    def has_members(self, channel: Channel) -> bool:
        """Tell whether a member of `channel` is connected here."""
        return channel in self._rooms

    def deliver(self, channel: Channel, publication: Publication) -> None:
        """Send a publication to every member of `channel` here."""
        rooms = self._rooms.get(channel)
        if rooms is not None:
            for room in rooms.values():
                room.send(publication)

    def send(self, member: Member, channel: Channel, publication: Publication) -> None:
        """Send a publication to one member."""
        member.encoding.send(member, channel, publication)

    def sids(self, channel: Channel) -> Iterator[str]:
        """Return the members of `channel` here, once what was delivered before is written."""
        for room in list(self._rooms.get(channel, {}).values()):
            room.flush()
            yield from room
