"""Rooms: connections that get the same publications in the same encoding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Protocol

from app.core.channel import Channel
from app.core.message import Publication
from app.core.session import Session
from app.transport.connection import Connection
from app.transport.deliveries import Deliveries


class RoomMember(Protocol):
    """A member as rooms know it."""

    @property
    def sid(self) -> str:
        """Its session id."""

    @property
    def connection(self) -> Connection:
        """The connection that its frames are written to."""

    @property
    def session(self) -> Session | None:
        """Its session, by which it can be restored, if it asked for recovery; else None."""


class Encoding(ABC):
    """A protocol's form of publications.

    Members with the same encoding get the same bytes, made once; see `Room`.
    """

    @abstractmethod
    def encode(self, channel: Channel, publication: Publication) -> bytes:
        """Return a publication as frames; empty where the protocol has no form for it."""

    def room(self, channel: Channel, deliveries: Deliveries) -> Room:
        """Return a new room for members of `channel` with this encoding."""
        return Room(channel, self, deliveries)

    def send(self, member: RoomMember, channel: Channel, publication: Publication) -> None:
        """Send a publication to one member alone."""
        member.connection.write(self.encode(channel, publication))


class Room:
    """Members of one channel with the same encoding, who get the same frames.

    Frames that are sent until the next flush are joined and written to each member once: the
    busier a room is, the less a delivery costs. A member that enters or leaves in between gets
    exactly what was sent while it was in.
    """

    __slots__ = ("_channel", "_deliveries", "_encoding", "_pending", "members")

    def __init__(self, channel: Channel, encoding: Encoding, deliveries: Deliveries) -> None:
        self.members: dict[str, Connection] = {}
        self._channel = channel
        self._encoding = encoding
        self._deliveries = deliveries
        self._pending: list[bytes] = []

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def send(self, publication: Publication) -> None:
        """Send a publication to every member with the next flush."""
        frame = self._encoding.encode(self._channel, publication)
        if frame:
            if not self._pending:
                self._deliveries.schedule(self)
            self._pending.append(frame)

    def flush(self) -> None:
        """Write pending frames to all members now."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        self._deliveries.count(len(pending) * len(self.members))
        self._write(pending)

    def _write(self, pending: list[bytes]) -> None:
        data = pending[0] if len(pending) == 1 else b"".join(pending)
        for connection in self.members.values():
            connection.write(data)

    def add(self, member: RoomMember) -> None:
        """Add a member, or replace it."""
        self.flush()
        self.members[member.sid] = member.connection

    def remove(self, sid: str) -> None:
        """Remove a member, if it is there."""
        if sid in self.members:
            self.flush()
            del self.members[sid]
