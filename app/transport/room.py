"""Rooms: connections that get the same publications in the same encoding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final, Protocol

from app.core.channel import Channel
from app.core.message import Publication
from app.core.session import Session
from app.transport.connection import Connection
from app.transport.deliveries import Deliveries

#: So many members of one room are written to before others have their turn.
MEMBERS_A_TURN: Final = 1000


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

    __slots__ = ("_channel", "_deliveries", "_encoding", "_pending", "_rest", "members")

    def __init__(self, channel: Channel, encoding: Encoding, deliveries: Deliveries) -> None:
        self.members: dict[str, Connection] = {}
        self._channel = channel
        self._encoding = encoding
        self._deliveries = deliveries
        self._pending: list[bytes] = []
        # What was begun to be written, and the members to whom it is still to be.
        self._rest: tuple[Any, Iterator[Any]] | None = None

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def send(self, publication: Publication) -> None:
        """Send a publication to every member with the next flush."""
        frame = self._encoding.encode(self._channel, publication)
        if frame:
            if not self._pending and self._rest is None:
                self._deliveries.schedule(self)
            self._pending.append(frame)

    def flush(self) -> None:
        """Write pending frames to all members now."""
        if self._rest is not None:
            (data, members), self._rest = self._rest, None
            self._write(data, members)
        if self._pending:
            self._write(self._take(), self._targets())

    def flush_some(self) -> bool:
        """Write pending frames to so many members as have their turn; return whether more have."""
        if self._rest is None:
            if not self._pending:
                return False
            data, members = self._take(), self._targets()
            if len(members) <= MEMBERS_A_TURN:
                self._write(data, members)
                return False
            self._rest = data, iter(list(members))
        data, rest = self._rest
        some = list(islice(rest, MEMBERS_A_TURN))
        self._write(data, some)
        if len(some) < MEMBERS_A_TURN:
            self._rest = None
        return self._rest is not None or bool(self._pending)

    def _take(self) -> Any:
        """Remove the pending frames; return them as `_write` takes them."""
        pending, self._pending = self._pending, []
        self._deliveries.count(len(pending) * len(self.members))
        return self._join(pending)

    def _join(self, pending: Sequence[bytes]) -> Any:
        return pending[0] if len(pending) == 1 else b"".join(pending)

    def _targets(self) -> Collection[Any]:
        return self.members.values()

    def _write(self, data: Any, members: Iterator[Any] | Collection[Any]) -> None:
        for connection in members:
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
