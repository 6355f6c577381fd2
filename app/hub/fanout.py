"""The fan-out: hands publications to the members in this process, each encoded once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from app.broker.record import after_loss
from app.core.channel import Channel
from app.core.counters import Counters
from app.core.history import Position
from app.core.message import DISCONTINUITY, Publication, in_order
from app.hub.member import Member
from app.transport.deliveries import Deliveries
from app.transport.room import Encoding, Room


class FanOut:
    """The rooms of each channel that has members in this process. Nothing here waits or raises.

    `channel in fanout` tells whether it has any.

    Args:
        counters: count what is delivered.
    """

    def __init__(self, counters: Counters) -> None:
        self._deliveries = Deliveries(counters)
        self._rooms: dict[Channel, dict[Encoding, Room]] = {}

    def enter(self, member: Member, channel: Channel) -> None:
        """Deliver publications of `channel` to a member from now on."""
        rooms = self._rooms.get(channel)
        if rooms is None:
            rooms = self._rooms[channel] = {}
        encoding = member.encoding
        room = rooms.get(encoding)
        if room is None:
            room = rooms[encoding] = encoding.room(channel, self._deliveries)
        room.add(member)

    def go_live(
        self,
        member: Member,
        channel: Channel,
        position: Position | None,
        buffered: Sequence[Publication],
    ) -> None:
        """Deliver what was buffered while a member was led to a position, and what comes next.

        Args:
            position: None where nothing of that was sent to it.
        """
        place = None
        if position is not None:
            place, buffered = position.offset, after_loss(buffered, position)
        for publication in buffered:
            offset = publication.offset
            if publication.type == DISCONTINUITY:
                place = orjson.loads(publication.body)["data"]["offset"]
            elif offset is not None and place is not None:
                if offset <= place:
                    continue
                (publication,), place = in_order([publication], place), offset  # noqa: PLW2901
            self.send(member, channel, publication)
        self.enter(member, channel)

    def leave(self, member: Member, channel: Channel) -> None:
        """Stop delivering publications of `channel` to a member."""
        rooms = self._rooms.get(channel)
        if rooms is None or (room := rooms.get(member.encoding)) is None:
            return
        room.remove(member.sid)
        if not room:
            del rooms[member.encoding]
            if not rooms:
                del self._rooms[channel]

    def __contains__(self, channel: object) -> bool:
        return channel in self._rooms

    def deliver(self, channel: Channel, publication: Publication) -> None:
        """Send a publication to every member of `channel` in this process."""
        rooms = self._rooms.get(channel)
        if rooms is not None:
            for room in rooms.values():
                room.send(publication)

    def send(self, member: Member, channel: Channel, publication: Publication) -> None:
        """Send a publication to one member."""
        member.encoding.send(member, channel, publication)

    def sids(self, channel: Channel) -> Iterator[str]:
        """Yield the session ids of the members of `channel` here, after writing pending frames."""
        for room in list(self._rooms.get(channel, {}).values()):
            room.flush()
            yield from room
