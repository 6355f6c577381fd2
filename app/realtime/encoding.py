"""The Socket.IO encodings of publications: as they are, and for members that can be restored."""

from __future__ import annotations

from typing import Final

from app.core.channel import Channel
from app.core.counters import Counters
from app.core.message import Publication
from app.core.session import Cursor, Session
from app.transport.connection import Connection
from app.transport.frames import TEXT, encode
from app.transport.room import Encoding, Room, RoomMember


class SocketIOEncoding(Encoding):
    """EVENT packets whose name is the publication's type, and whose argument is its envelope."""

    def encode(self, channel: Channel, publication: Publication) -> bytes:
        return encode(TEXT, b"%b]" % _event(channel, publication))


class RecoverableEncoding(Encoding):
    """EVENT packets with an offset string as one more argument, each member's own.

    It says where the member is in all of its channels (`app.core.session`).
    """

    def encode(self, channel: Channel, publication: Publication) -> bytes:
        return _event(channel, publication)

    def room(self, channel: Channel, counters: Counters) -> Room:
        return RecoverableRoom(channel, self, counters)

    def send(self, member: RoomMember, channel: Channel, publication: Publication) -> None:
        tracker = _tracker(member, channel)
        if tracker is not None:
            tracker.write(Batch([self.encode(channel, publication)], [publication]))


SOCKET_IO: Final = SocketIOEncoding()
RECOVERABLE: Final = RecoverableEncoding()


def _event(channel: Channel, publication: Publication) -> bytes:
    """Return the packet's text less the bracket behind its arguments."""
    return b'42%b,["%b",%b' % (
        channel.namespace.encode(),
        publication.type.encode(),
        publication.body,
    )


class Batch:
    """Publications that are sent together.

    Where all are kept in history, members' bytes differ only in what their offset strings begin
    with. So all that is between those beginnings is made once for each length that they have.

    Args:
        events: one for each, less the bracket behind the arguments.
    """

    __slots__ = ("_events", "_pieces", "_publications", "last_offset")

    def __init__(self, events: list[bytes], publications: list[Publication]) -> None:
        self._events = events
        self._publications = publications
        self._pieces: dict[int, list[bytes]] = {}
        offsets = [publication.offset for publication in publications]
        #: Of the last one; None where not all have one.
        self.last_offset = None if None in offsets else offsets[-1]

    def after(self, head: bytes) -> bytes:
        """Return all as frames, where offset strings are this and the offset."""
        pieces = self._pieces.get(len(head))
        if pieces is None:
            pieces = self._pieces[len(head)] = self._between(b"." * len(head))
        return head.join(pieces)

    def following(self, session: Session, cursor: Cursor) -> bytes:
        """Return all as frames for one member, whatever they are."""
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
    """Writes to a member, and keeps track of where that brings it."""

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

    def __init__(self, channel: Channel, encoding: Encoding, counters: Counters) -> None:
        super().__init__(channel, encoding, counters)
        self._publications: list[Publication] = []  # what is pending
        self._trackers: dict[str, Tracker] = {}

    def send(self, publication: Publication) -> None:
        super().send(publication)
        self._publications.append(publication)

    def _write(self, pending: list[bytes]) -> None:
        publications, self._publications = self._publications, []
        batch = Batch(pending, publications)
        for tracker in self._trackers.values():
            tracker.write(batch)

    def add(self, member: RoomMember) -> None:
        super().add(member)
        tracker = _tracker(member, self._channel)
        if tracker is not None:
            self._trackers[member.sid] = tracker

    def remove(self, sid: str) -> None:
        super().remove(sid)
        self._trackers.pop(sid, None)
