"""Rooms: connections that get the same publications in the same encoding."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Protocol

from app.core.channel import Channel
from app.core.counters import Counters
from app.core.message import Publication
from app.core.session import Session
from app.transport.connection import Connection


class RoomMember(Protocol):
    """What rooms know of who is in them."""

    @property
    def sid(self) -> str:
        """The id that the ways in know it by."""

    @property
    def connection(self) -> Connection:
        """Where it is written to."""

    @property
    def session(self) -> Session | None:
        """By which it can be restored once its connection is lost, if it asked for that."""


class Encoding(ABC):
    """A protocol's form of publications.

    Members with the same encoding get the same bytes, made once; see `Room`.
    """

    @abstractmethod
    def encode(self, channel: Channel, publication: Publication) -> bytes:
        """Return a publication as frames; empty where the protocol has no form for it."""

    def room(self, channel: Channel, counters: Counters) -> Room:
        """Return a room for members of `channel` that are written to in this encoding."""
        return Room(channel, self, counters)

    def send(self, member: RoomMember, channel: Channel, publication: Publication) -> None:
        """Send a publication to one member alone."""
        member.connection.write(self.encode(channel, publication))


class Room:
    """Members of one channel that get the same frames.

    What is sent in one turn of the event loop is joined and written to each member once: the busier
    a room is, the less a delivery costs. Who enters or leaves in between gets exactly what was sent
    while it was in.
    """

    __slots__ = ("_channel", "_counters", "_encoding", "_pending", "members")

    def __init__(self, channel: Channel, encoding: Encoding, counters: Counters) -> None:
        self.members: dict[str, Connection] = {}
        self._channel = channel
        self._encoding = encoding
        self._counters = counters
        self._pending: list[bytes] = []

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def send(self, publication: Publication) -> None:
        """Send a publication to every member at the end of this turn."""
        frame = self._encoding.encode(self._channel, publication)
        if frame:
            if not self._pending:
                asyncio.get_running_loop().call_soon(self.flush)
            self._pending.append(frame)

    def flush(self) -> None:
        """Write what was sent."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        self._counters.add_delivered(len(pending) * len(self.members))
        self._write(pending)

    def _write(self, pending: list[bytes]) -> None:
        data = b"".join(pending)
        for connection in self.members.values():
            connection.write(data)

    def add(self, member: RoomMember) -> None:
        """Let somebody in, again or for the first time."""
        self.flush()
        self.members[member.sid] = member.connection

    def remove(self, sid: str) -> None:
        """Let somebody out."""
        if sid in self.members:
            self.flush()
            del self.members[sid]
