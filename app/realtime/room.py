"""One room: connections that get the same frames, and those that are told where they are too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.core.counters import Counters
from app.core.message import Publication
from app.realtime.flow import Flow
from app.realtime.frames import TEXT, encode, payload_of

if TYPE_CHECKING:
    from app.core.session import Place, Session


class Trail:
    """The way to a member that can be restored once its connection is lost.

    Each event gets one more argument, the offset string, which is the member's own: it says where
    the member is in all of its channels (`app.core.session`).
    """

    __slots__ = ("_connection", "_place", "_session")

    def __init__(self, connection: Flow, session: Session, place: Place) -> None:
        self._connection = connection
        self._session = session
        self._place = place

    def write(self, sent: list[tuple[bytes, Publication]]) -> None:
        """Send publications.

        Args:
            sent: each as `opened` returns its frame, and itself.
        """
        follow, place = self._session.follow, self._place
        events = [
            encode(TEXT, b'%b,"%b"]' % (event, follow(place, publication)))
            for event, publication in sent
        ]
        self._connection.write(b"".join(events))


def opened(frame: bytes) -> bytes:
    """Return an event's packet less the bracket behind its arguments."""
    return payload_of(frame)[:-1]


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
            sent = list(zip(map(opened, pending), publications, strict=True))
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
