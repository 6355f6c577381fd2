"""Who is in a channel, by identity: two connections of one agent are one member."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.core.clock import isoformat
from app.core.identity import Identity


@dataclass(slots=True)
class Present:
    """One identity in a channel, with the connections that hold it there."""

    identity: Identity
    joined_at: float
    sids: set[str] = field(default_factory=set)

    def to_dict(self) -> dict[str, Any]:
        """Return `{id, kind, connections, joined_at}` (contract §3, `presence`)."""
        return {
            **self.identity.to_dict(),
            "connections": len(self.sids),
            "joined_at": isoformat(self.joined_at),
        }


class Presence:
    """The members of one channel."""

    __slots__ = ("_present",)

    def __init__(self) -> None:
        self._present: dict[str, Present] = {}

    def enter(self, sid: str, identity: Identity, now: float) -> bool:
        """Add a connection.

        Returns:
            True when the identity was not here before: it joins.
        """
        present = self._present.get(identity.key)
        joins = present is None
        if present is None:
            present = self._present[identity.key] = Present(identity, now)
        present.sids.add(sid)
        return joins

    def exit(self, sid: str, identity: Identity) -> bool:
        """Remove a connection.

        Returns:
            True when it was the identity's last one here: it leaves.
        """
        present = self._present.get(identity.key)
        if present is None or sid not in present.sids:
            return False
        present.sids.remove(sid)
        if present.sids:
            return False
        del self._present[identity.key]
        return True

    def members(self) -> list[Present]:
        """Return who is here, in the order of joining."""
        return list(self._present.values())

    def __len__(self) -> int:
        return len(self._present)
