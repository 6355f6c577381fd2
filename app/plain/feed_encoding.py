"""The encoding of CodeWorm's feeds: channel and data, in the order of publishing in all feeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from app.core.channel import Channel
from app.core.message import DISCONTINUITY, Publication
from app.plain.connection import PlainConnection
from app.transport.deliveries import Deliveries
from app.transport.frames import TEXT, encode
from app.transport.room import Encoding, Room, RoomMember


class FeedEncoding(Encoding):
    """Messages `{channel, data}` for one connection, whose feeds are one sequence to it.

    What is pending in any of its rooms is written together, by the sequence of publishing.
    """

    def __init__(self, connection: PlainConnection) -> None:
        self._connection = connection
        self._pending: list[tuple[int, bytes]] = []
        self._held = False

    def encode(self, channel: Channel, publication: Publication) -> bytes:
        if publication.type == DISCONTINUITY:
            return b""  # feeds have no form for it
        return _frames.frame_of(channel, publication)

    def room(self, channel: Channel, deliveries: Deliveries) -> Room:
        return FeedRoom(channel, self, deliveries)

    def send(self, _member: RoomMember, channel: Channel, publication: Publication) -> None:
        self.add(channel, publication)
        self.flush()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Write what is pending at the end of the block only."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            self.flush()

    def add(self, channel: Channel, publication: Publication) -> bool:
        """Add a publication to what is pending; return whether it is the first."""
        frame = self.encode(channel, publication)
        if not frame:
            return False
        self._pending.append((publication.sequence, frame))
        return len(self._pending) == 1

    def flush(self) -> None:
        """Write what is pending, unless it is held."""
        if self._held or not self._pending:
            return
        pending, self._pending = self._pending, []
        pending.sort(key=lambda one: one[0])
        self._connection.write(b"".join(frame for _sequence, frame in pending))


class FeedRoom(Room):
    """One feed of one connection."""

    __slots__ = ()

    _encoding: FeedEncoding

    def send(self, publication: Publication) -> None:
        if self._encoding.add(self._channel, publication):
            self._deliveries.schedule(self)
        self._deliveries.count(len(self.members))

    def flush(self) -> None:
        self._encoding.flush()

    def flush_some(self) -> bool:
        self.flush()
        return False


class _LastFrame:
    """The frame that was made last: each connection asks for the same one."""

    def __init__(self) -> None:
        self._publication: Publication | None = None
        self._frame = b""

    def frame_of(self, channel: Channel, publication: Publication) -> bytes:
        """Return a publication as a text frame."""
        if publication is not self._publication:
            self._frame = encode(TEXT, orjson.dumps(feed_message(channel, publication)))
            self._publication = publication
        return self._frame


_frames = _LastFrame()


def feed_message(channel: Channel, publication: Publication) -> dict[str, Any]:
    """Return a publication as feeds have it."""
    return {"channel": channel.name, "data": orjson.loads(publication.body)["data"]}
