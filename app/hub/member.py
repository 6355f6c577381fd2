"""Members: connections in a namespace, and the channels that they have joined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from app.core.channel import Channel
from app.core.identity import Identity
from app.core.session import Session
from app.transport.connection import Connection
from app.transport.room import Encoding


@dataclass(slots=True, eq=False)
class Member:
    """One connection in one namespace, as the Hub knows it.

    Args:
        sid: its session id.
        encoding: the form in which it gets publications.
        session: its session, by which it can be restored, if it asked for recovery.
        left: whether it has left all channels for good.
    """

    sid: str
    namespace: str
    identity: Identity
    connection: Connection
    encoding: Encoding
    session: Session | None = None
    channels: set[Channel] = field(default_factory=set)
    left: bool = False

    def go_on_as(self, identity: Identity) -> None:
        """Replace the identity by the same one with a fresh token."""
        self.identity = identity

    def leave(self) -> None:
        """Note that it has left all channels for good."""
        self.left = True

    @property
    def connected(self) -> bool:
        """Whether it can still receive publications."""
        return not (self.left or self.connection.closed)


class MembershipListener(Protocol):
    """A listener to identities that join and leave channels."""

    async def members_changed(self, channel: Channel, identity: Identity, joined: bool) -> None:
        """An identity has joined `channel` with its first connection, or left with its last."""
