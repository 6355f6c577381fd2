"""The Socket.IO encodings of publications: plain, and for members that can be restored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from app.core.channel import Channel
from app.core.message import Publication
from app.core.session import Cursor, Session
from app.transport.connection import Connection
from app.transport.deliveries import Deliveries
from app.transport.frames import TEXT, encode
from app.transport.room import Encoding, Room, RoomMember


class SocketIOEncoding(Encoding):
    """EVENT packets whose name is the publication's type, and whose argument is its envelope."""

    def encode(self, channel: Channel, publication: Publication) -> bytes:
        return encode(TEXT, b"%b]" % _event(channel, publication))


class RecoverableEncoding(Encoding):
    """EVENT packets with an offset string as one more argument, different for each member.

    It says where the member is in all of its channels (`app.core.session`).
    """

    def encode(self, channel: Channel, publication: Publication) -> bytes:
        return _event(channel, publication)

    def room(self, channel: Channel, deliveries: Deliveries) -> Room:
        return RecoverableRoom(channel, self, deliveries)

    def send(self, member: RoomMember, channel: Channel, publication: Publication) -> None:
        tracker = _tracker(member, channel)
        if tracker is not None:
            tracker.write(Batch([self.encode(channel, publication)], [publication]))


SOCKET_IO: Final = SocketIOEncoding()
RECOVERABLE: Final = RecoverableEncoding()


def _event(channel: Channel, publication: Publication) -> bytes:
    """Return the packet's text without the closing bracket of its arguments."""
    return b'42%b,["%b",%b' % (
        channel.namespace.encode(),
        publication.type.encode(),
        publication.body,
    )


class Batch:
    """Publications that are sent together, as frames with each member's offset strings.

    If history keeps all of them, members' frames differ only in the head of the offset strings.
    The pieces between the heads are made once for each length of head.

    Args:
        events: each publication's packet, without the closing bracket of its arguments.
    """

    __slots__ = ("_events", "_pieces", "_publications", "last_offset")

    def __init__(self, events: Sequence[bytes], publications: list[Publication]) -> None:
        self._events = events
        self._publications = publications
        self._pieces: dict[int, list[bytes]] = {}
        offsets = [publication.offset for publication in publications]
        #: The last publication's offset; None if not all have one.
        self.last_offset = None if None in offsets else offsets[-1]

    def after(self, head: bytes) -> bytes:
        """Return the frames for a member whose offset strings are `head` and the offset."""
        pieces = self._pieces.get(len(head))
        if pieces is None:
            pieces = self._pieces[len(head)] = self._between(b"." * len(head))
        return head.join(pieces)

    def following(self, session: Session, cursor: Cursor) -> bytes:
        """Return the frames for one member, also of publications without an offset."""
        return b"".join(
            encode(TEXT, b'%b,"%b"]' % (event, session.follow(cursor, publication)))
            for event, publication in zip(self._events, self._publications, strict=True)
        )

    def _between(self, head: bytes) -> list[bytes]:
        pieces, rest = [], b""
        for event, publication in zip(self._events, self._publications, strict=True):
            begin, end = b'%b,"' % event, b'%d"]' % (publication.offset or 0)
            frame = encode(TEXT, begin + head + end)
            pieces.append(rest + frame[: len(frame) - len(head) - len(end)])
            rest = end
        return [*pieces, rest]


class Tracker:
    """Writes to a member that can be restored, and advances its cursor."""

    __slots__ = ("_connection", "_cursor", "_session")

    def __init__(self, connection: Connection, session: Session, cursor: Cursor) -> None:
        self._connection = connection
        self._session = session
        self._cursor = cursor

    def write(self, batch: Batch) -> None:
        """Send publications."""
        cursor = self._cursor
        if batch.last_offset is None:
            data = batch.following(self._session, cursor)
        else:
            data = batch.after(self._session.head(cursor))
            cursor.advance(batch.last_offset)
        self._connection.write(data)


def _tracker(member: RoomMember, channel: Channel) -> Tracker | None:
    session = member.session
    cursor = session and session.cursors.get(channel.name)
    return Tracker(member.connection, session, cursor) if session and cursor else None


class RecoverableRoom(Room):
    """Members of one channel that can be restored."""

    __slots__ = ("_publications", "_trackers")

    def __init__(self, channel: Channel, encoding: Encoding, deliveries: Deliveries) -> None:
        super().__init__(channel, encoding, deliveries)
        self._publications: list[Publication] = []  # of the pending frames
        self._trackers: dict[str, Tracker] = {}

    def send(self, publication: Publication) -> None:
        super().send(publication)
        self._publications.append(publication)

    def _join(self, pending: Sequence[bytes]) -> Batch:
        publications, self._publications = self._publications, []
        return Batch(pending, publications)

    def _targets(self) -> Collection[Tracker]:
        return self._trackers.values()

    def add(self, member: RoomMember) -> None:
        super().add(member)
        tracker = _tracker(member, self._channel)
        if tracker is not None:
            self._trackers[member.sid] = tracker

    def remove(self, sid: str) -> None:
        super().remove(sid)
        self._trackers.pop(sid, None)
