"""One room: connections that get the same frames, and those that are told where they are too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.core.counters import Counters
from app.core.message import Publication
from app.transport.flow import Flow
from app.transport.frames import TEXT, encode, payload_of

if TYPE_CHECKING:
    from app.core.session import Place, Session


class Sent:
    """Publications as members with a trail get them: with the offset string as one more argument.

    Where all are kept in history, members' bytes differ only in what their strings begin with. So
    all that is between those beginnings is made once for each length that they have.

    Args:
        frames: one for each, without that argument.
    """

    __slots__ = ("_events", "_pieces", "_publications", "last_offset")

    def __init__(self, frames: list[bytes], publications: list[Publication]) -> None:
        # Less the bracket behind the arguments.
        self._events = [payload_of(frame)[:-1] for frame in frames]
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

    def following(self, session: Session, place: Place) -> bytes:
        """Return all as frames for one member, whatever they are."""
        return b"".join(
            encode(TEXT, b'%b,"%b"]' % (event, session.follow(place, publication)))
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


class Trail:
    """The way to a member that can be restored once its connection is lost.

    Each event's offset string is the member's own: it says where the member is in all of its
    channels (`app.core.session`).
    """

    __slots__ = ("_connection", "_place", "_session")

    def __init__(self, connection: Flow, session: Session, place: Place) -> None:
        self._connection = connection
        self._session = session
        self._place = place

    def write(self, sent: Sent) -> None:
        """Send publications."""
        place = self._place
        if sent.last_offset is None:
            data = sent.following(self._session, place)
        else:
            data = sent.after(self._session.head(place))
            place.offset = sent.last_offset
        self._connection.write(data)


class Room:
    """Connections that get the same frames.

    What is sent in one turn of the event loop is joined and written to each member once: the busier
    a room is, the less a delivery costs. Who enters or leaves in between gets exactly what was sent
    while it was in.
    """

    __slots__ = ("_counters", "_pending", "_publications", "members", "trails")

    def __init__(self, counters: Counters) -> None:
        self.members: dict[str, Flow] = {}
        self.trails: dict[str, Trail] = {}
        self._counters = counters
        self._pending: list[bytes] = []
        self._publications: list[Publication] = []  # what is pending, where somebody has a trail

    def __len__(self) -> int:
        return len(self.members) + len(self.trails)

    def __iter__(self) -> Iterator[str]:
        yield from self.members
        yield from self.trails

    def send(self, frame: bytes, publication: Publication) -> None:
        """Send a publication, encoded as its frames, to every member at the end of this turn."""
        if not self._pending:
            asyncio.get_running_loop().call_soon(self.flush)
        self._pending.append(frame)
        if self.trails:
            self._publications.append(publication)

    def flush(self) -> None:
        """Write what was sent."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        publications, self._publications = self._publications, []
        self._counters.delivered += len(pending) * len(self)
        if self.members:
            data = b"".join(pending)
            for connection in self.members.values():
                connection.write(data)
        if self.trails:
            sent = Sent(pending, publications)
            for trail in self.trails.values():
                trail.write(sent)

    def add(self, sid: str, connection: Flow, trail: Trail | None = None) -> None:
        """Let somebody in, again or for the first time."""
        self.flush()
        if trail is None:
            self.trails.pop(sid, None)
            self.members[sid] = connection
        else:
            self.members.pop(sid, None)
            self.trails[sid] = trail

    def remove(self, sid: str) -> None:
        """Let somebody out."""
        self.flush()
        self.members.pop(sid, None)
        self.trails.pop(sid, None)
