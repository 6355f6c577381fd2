"""Who is in a channel, by identity: two connections of one agent are one member."""

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
        connections: how many hold it there.
    """

    identity: Identity
    joined_at: float
    connections: int

    def to_dict(self) -> dict[str, Any]:
        """Return `{id, kind, connections, joined_at}` (contract §3, `presence`)."""
        return {
            **self.identity.to_dict(),
            "connections": self.connections,
            "joined_at": isoformat(self.joined_at),
        }


@dataclass(frozen=True, slots=True)
class Members:
    """Who is in a channel: how many identities, and the first of them in the order of joining."""

    count: int
    first: list[Present]


@dataclass(slots=True)
class _Held:
    identity: Identity
    joined_at: float
    sids: set[str]


class Presence:
    """The members of one channel."""

    __slots__ = ("_present",)

    def __init__(self) -> None:
        self._present: dict[str, _Held] = {}

    def enter(self, sid: str, identity: Identity, now: float) -> bool:
        """Add a connection.

        Returns:
            True when the identity was not here before: it joins.
        """
        held = self._present.get(identity.key)
        if held is None:
            self._present[identity.key] = _Held(identity, now, {sid})
            return True
        held.sids.add(sid)
        return False

    def exit(self, sid: str, identity: Identity) -> bool:
        """Remove a connection.

        Returns:
            True when it was the identity's last one here: it leaves.
        """
        held = self._present.get(identity.key)
        if held is None or sid not in held.sids:
            return False
        held.sids.remove(sid)
        if held.sids:
            return False
        del self._present[identity.key]
        return True

    def members(self, limit: int | None = None) -> Members:
        """Return who is here, at most `limit` of them (None: all)."""
        first = [
            Present(held.identity, held.joined_at, len(held.sids))
            for held in islice(self._present.values(), limit)
        ]
        return Members(len(self._present), first)

    def __len__(self) -> int:
        return len(self._present)
