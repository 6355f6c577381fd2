"""A member: one connection, in one namespace, and the channels that it has joined."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.core.channel import Channel
from app.core.identity import Identity
from app.core.session import Session
from app.transport.connection import Connection
from app.transport.room import Encoding


@dataclass(slots=True, eq=False)
class Member:
    """Who receives what is published.

    Args:
        sid: the id that the ways in know it by.
        encoding: the form in which it gets publications.
        session: by which it can be restored once its connection is lost, if it asked for that.
        left: whether it is a member no more, for good.
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
        """Be the same identity by a fresh token."""
        self.identity = identity

    def leave(self) -> None:
        """Be a member no more."""
        self.left = True

    @property
    def connected(self) -> bool:
        """Whether it can still receive."""
        return not (self.left or self.connection.closed)
