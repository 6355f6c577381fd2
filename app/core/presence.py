"""Presence: who is in a channel, by identity. Two connections of one agent are one member."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from app.core.clock import isoformat
from app.core.identity import Identity


class Present(NamedTuple):
    """One identity in a channel.

    Args:
        joined_at: seconds since 1970.
        connections: how many connections it has there.
    """

    identity: Identity
    joined_at: float
    connections: int

    def to_dict(self) -> dict[str, Any]:
        """Return `{id, kind, connections, joined_at}`, as the request `presence` is answered."""
        return {
            **self.identity.to_dict(),
            "connections": self.connections,
            "joined_at": isoformat(self.joined_at),
        }


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a channel: their number, and the first of them in the order of joining."""

    count: int
    first: list[Present]


@dataclass(slots=True)
class _Entry:
    identity: Identity
    joined_at: float
    sids: set[str]


class Presence:
    """The members of one channel."""

    __slots__ = ("_present",)

    def __init__(self) -> None:
        self._present: dict[str, _Entry] = {}

    def enter(self, sid: str, identity: Identity, now: float) -> bool:
        """Add a connection.

        Returns:
            True if the identity was not present before: it joins.
        """
        entry = self._present.get(identity.key)
        if entry is None:
            self._present[identity.key] = _Entry(identity, now, {sid})
            return True
        entry.sids.add(sid)
        return False

    def exit(self, sid: str, identity: Identity) -> bool:
        """Remove a connection.

        Returns:
            True if it was the last connection of the identity: it leaves.
        """
        entry = self._present.get(identity.key)
        if entry is None or sid not in entry.sids:
            return False
        entry.sids.remove(sid)
        if entry.sids:
            return False
        del self._present[identity.key]
        return True

    def members(self, limit: int | None = None) -> Members:
        """Return the members, at most `limit` of them (None: all)."""
        first = [
            Present(entry.identity, entry.joined_at, len(entry.sids))
            for entry in islice(self._present.values(), limit)
        ]
        return Members(len(self._present), first)

    def __len__(self) -> int:
        return len(self._present)
