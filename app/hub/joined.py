"""What joining a channel returns."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.history import Recovery
from app.core.presence import Members


@dataclass(frozen=True, slots=True)
class Joined:
    """The result of joining; `members` is None if the identity may not see them."""

    recovery: Recovery
    members: Members | None


@dataclass(slots=True)
class Joining:
    """How far history is read for a connection that joins; may be cut until it has joined."""

    recovery: Recovery


class Incomplete(Exception):
    """Something that a dropped connection has missed is no longer in history."""
