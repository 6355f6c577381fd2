"""Dialects: what is spoken on a path once it is known who connects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import Any, Protocol

from app.core.channel import Channel
from app.core.errors import Forbidden, HearthError
from app.core.identity import Identity
from app.hub.hub import Hub
from app.hub.member import Member
from app.plain import texts
from app.plain.connection import PlainConnection
from app.plain.incoming import nonce_of, read_message
from app.plain.paths import Endpoint, Query
from app.requests import answers, verbs
from app.requests.authenticating import go_on_as
from app.transport.room import Encoding


class Speaker(Protocol):
    """The client as its dialect knows it."""

    @property
    def connection(self) -> PlainConnection:
        """Where frames are written."""

    @property
    def endpoint(self) -> Endpoint:
        """What its path stands for."""

    @property
    def hub(self) -> Hub:
        """The verbs."""

    @property
    def limits(self) -> dict[str, float]:
        """The limits that `connection_ack` tells, by name."""

    @property
    def max_message_bytes(self) -> int:
        """Larger frames are refused."""

    @property
    def stranger(self) -> bool:
        """Whether it has come without a token, which may still follow."""

    def refuse(self, error: Exception) -> None:
        """Send an error, and close the connection."""

    def expect(self) -> None:
        """Have `Dialect.late` refuse the client if `got` isn't called in time."""

    def got(self) -> None:
        """Undo `expect`."""

    @property
    def identity(self) -> Identity:
        """Who has connected."""

    async def authenticate(self, token: str) -> list[Channel]:
        """Go on with a fresh token; return the channels that it doesn't open any more."""

    async def become(self, dialect: Dialect) -> Member:
        """Go on in another dialect, as a new member of nothing."""


class Dialect(ABC):
    """What is spoken on a path: which channels are joined, what frames mean, how they look.

    Here are the parts that dialects share. A frame that raises gets an error.
    """

    #: Of its publications.
    encoding: Encoding

    def __init__(self, client: Speaker) -> None:
        self.client = client
        self.hub = client.hub

    def write(self, frame: bytes) -> None:
        """Send frames to the client."""
        self.client.connection.write(frame)

    # Beginning and ending

    def prepare(self, query: Query) -> None:  # noqa: B027 - most paths ask for nothing
        """Note what the query asks for. Raises `Invalid`."""

    def open_to(self, identity: Identity) -> tuple[Channel, ...]:
        """Return the channels that `identity` joins on connecting.

        Raises:
            Forbidden: it may do nothing here.
        """
        return self.client.endpoint.open_to(identity)

    @abstractmethod
    async def begin(self, member: Member) -> None:
        """Join the channels of the path, and send the first frames. Raises as joining does."""

    def late(self) -> HearthError:
        """Return why a client is refused that hasn't sent in time what it had to."""
        return Forbidden()

    async def end(self) -> None:  # noqa: B027 - most dialects have nothing to stop
        """Stop; the member's channels are left by the client."""

    async def renew(self, member: Member, identity: Identity) -> list[Channel]:
        """Replace a member's token by a fresh one; return the channels that it doesn't open."""
        return await go_on_as(self.hub, member, identity)

    def begins_anew(self, member: Member, identity: Identity) -> bool:
        """Return whether a fresh token opens more than its member has joined."""
        return not member.channels.issuperset(self.open_to(identity))

    # Frames

    def read(self, frame: str | bytes) -> dict[str, Any]:
        """Return the message in a frame. Raises as `read_message` does."""
        return read_message(frame, self.client.max_message_bytes)

    @abstractmethod
    def handle(self, member: Member, message: dict[str, Any]) -> Awaitable[object] | None:
        """Handle a message that isn't about tokens; None if that is done on return."""

    def fail(self, error: HearthError, message: dict[str, Any]) -> None:
        """Send the error that a message, or without one the connection, has failed with."""
        further = nonce_of(message) | answers.failure(error)
        self.write(texts.notice_frame("error", error.to_dict(), self.hub.clock(), **further))

    def renewed(self, identity: Identity) -> None:
        """Tell the client that its fresh token is taken."""
        data = {"expires_at": verbs.expires_at(identity)}
        self.write(texts.notice_frame("auth", data, self.hub.clock()))

    def pong(self) -> None:
        """Answer a ping."""
        self.write(texts.pong(self.hub.clock()))
