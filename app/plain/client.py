"""Plain clients: connections to endpoints, their identities, and their frames."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

from app.auth import Authenticator
from app.core.channel import Channel
from app.core.closing import Closing
from app.core.errors import Forbidden, HearthError, Invalid, NoToken, TooLarge, Unauthorized
from app.core.identity import Identity
from app.core.quota import Share
from app.core.refused import Refusal, Refused
from app.hub.hub import Hub
from app.hub.member import Member
from app.plain.connection import PlainConnection
from app.plain.dialect import Dialect, Speaker
from app.plain.dialects import DIALECTS
from app.plain.incoming import read_message, read_token
from app.plain.paths import Endpoint, Query
from app.requests import answers
from app.requests.authenticating import require_current
from app.requests.expiry import ExpiryTimer
from app.transport.frames import FrameError
from app.transport.rate_limit import RateLimit
from app.transport.work import Work
from schemas.errors import SchemaError


class PlainClients(Protocol):
    """The server of plain clients, as they know it."""

    hub: Hub
    authenticator: Authenticator
    limits: dict[str, float]
    max_message_bytes: int
    rate_limit: RateLimit
    expiry: ExpiryTimer[PlainClient]
    work: Work

    def expect(self, client: PlainClient) -> None:
        """A client has to send something in time."""

    def got(self, client: PlainClient) -> None:
        """A client that had to has sent it."""

    def on_pong(self, client: PlainClient) -> None:
        """A client has answered a ping."""

    def on_closed(self, client: PlainClient, closing: Closing) -> None:
        """A client's connection is closed."""


class PlainClient(Speaker):
    """One connection to an endpoint; see `PlainHandler` and `Speaker`.

    It knows who connects; what frames mean is its dialect's. `member` is None until identified.
    """

    __slots__ = (
        "_clients",
        "_connection",
        "_dialect",
        "_endpoint",
        "_share",
        "_stranger",
        "member",
    )

    def __init__(
        self, clients: PlainClients, connection: PlainConnection, endpoint: Endpoint
    ) -> None:
        self.member: Member | None = None
        self._clients = clients
        self._connection = connection
        self._endpoint = endpoint
        self._stranger = False
        self._share: Share | None = None
        self._dialect = DIALECTS[endpoint.speech](self)
        clients.rate_limit.begin(connection)

    # As its dialect knows it

    @property
    def connection(self) -> PlainConnection:
        return self._connection

    @property
    def endpoint(self) -> Endpoint:
        return self._endpoint

    @property
    def hub(self) -> Hub:
        return self._clients.hub

    @property
    def limits(self) -> dict[str, float]:
        return self._clients.limits | self.hub.quotas.told(self.identity)

    @property
    def max_message_bytes(self) -> int:
        return self._clients.max_message_bytes

    @property
    def stranger(self) -> bool:
        return self._stranger

    @property
    def identity(self) -> Identity:
        assert self.member is not None  # noqa: S101 - a dialect handles frames of members only
        return self.member.identity

    def expect(self) -> None:
        self._clients.expect(self)

    def got(self) -> None:
        self._clients.got(self)

    def refuse(self, error: Exception) -> None:
        public = self._fail(error, {})
        if isinstance(public, Forbidden | Invalid):
            address = self._connection.address
            answers.tell(self.hub, public, self._endpoint.namespace, address)
        self._connection.close(Closing.because_of(public))

    async def become(self, dialect: Dialect) -> Member:
        assert self.member is not None  # noqa: S101 - a dialect handles frames of members only
        former, self._dialect = self.member, dialect
        await self.hub.memberships.disconnect(former)
        return self._make_member(former.identity)

    # Identity

    def open(self, token: str | None, query: Query) -> None:
        """Begin, once the handshake is answered."""
        self._stranger = not token
        try:
            self._dialect.prepare(query)
            self._endpoint.check()
            for channel in self._endpoint.channels:
                self.hub.registry.check_channel(channel)
            self._admit(token)
        except Exception as error:  # noqa: BLE001 - every connection is answered
            self.refuse(error)

    def on_late(self) -> None:
        """Refuse it, for it hasn't sent in time what it had to."""
        no_token = NoToken("No token came in time.")
        self.refuse(no_token if self.member is None else self._dialect.late())

    def _admit(self, token: str | None) -> None:
        try:
            identity = self._identify(token)
        except (Unauthorized, Forbidden):
            if token is not None:
                raise
            # Strangers may not join, or not here: a token is needed.
            self.expect()
        else:
            self._start(self._join(identity))

    def _identify(self, token: str | None) -> Identity:
        """Return the identity of a token. Raises `Unauthorized`, or `Forbidden` for this path."""
        identity = self._clients.authenticator.identify(token, self._endpoint.user_id)
        self._dialect.open_to(identity)
        return identity

    async def _join(self, identity: Identity) -> None:
        """Make it a member, and begin in its dialect; or refuse it."""
        if self._connection.closed:
            return
        try:
            self._share = self.hub.quotas.enter(self._connection, identity)
            self._connection.admit()
            member = self._make_member(identity)
            self._clients.expiry.set(self, identity.ends_at)
            await self._dialect.begin(member)
        except Exception as error:  # noqa: BLE001 - every connection is answered
            self.refuse(error)

    def _make_member(self, identity: Identity) -> Member:
        self.member = Member(
            self._connection.sid,
            self._endpoint.namespace,
            identity,
            self._connection,
            self._dialect.encoding,
        )
        return self.member

    def _handle_token(self, frame: str | bytes) -> None:
        """Handle the first message of a client that has to send a token."""
        try:
            message = read_message(frame, self.max_message_bytes)
            if message["type"] != "auth":
                raise NoToken("The first message must be {type: auth, token}.")
            identity = self._identify(read_token(message))
        except TooLarge as error:
            self.refuse(NoToken(error.message))
        except (Invalid, SchemaError):
            self.refuse(NoToken('The first message must be {"type": "auth", "token": "…"}.'))
        except Exception as error:  # noqa: BLE001 - every connection is answered
            self.refuse(error)
        else:
            self.got()
            self._stranger = False
            self._start(self._join(identity))

    async def authenticate(self, token: str) -> list[Channel]:
        """Go on with a fresh token; a stranger begins anew, with the identity that it proves."""
        member = self.member
        assert member is not None  # noqa: S101 - a dialect handles frames of members only
        identity = self._clients.authenticator.identify(token, self._endpoint.user_id)
        if identity.key != member.identity.key and not self._stranger:
            raise Forbidden("The token is somebody else's.")
        try:
            self._dialect.open_to(identity)
        except Forbidden as error:
            self.refuse(error)
            return []
        self.got()
        self._stranger = False
        if identity.key != member.identity.key or self._dialect.begins_anew(member, identity):
            await self.hub.memberships.disconnect(member)
            if not self._connection.closed:
                await self._join(identity)
            return []
        self._clients.expiry.set(self, identity.ends_at)
        return await self._dialect.renew(member, identity)

    async def _authenticate(self, token: str) -> None:
        member = self.member
        await self.authenticate(token)
        if member is self.member and member is not None and not self._connection.closed:
            self._dialect.renewed(member.identity)

    async def leave(self) -> None:
        """Leave everything, once the connection is closed."""
        await self._dialect.end()
        if self.member is not None:
            await self.hub.memberships.disconnect(self.member)

    # What arrives

    def on_pong(self) -> None:
        self._clients.on_pong(self)

    def on_flood(self) -> None:
        self.hub.refusals.tell(Refusal(Refused.FLOOD), self._connection.address)

    def on_too_large(self, error: FrameError) -> None:
        if self.member is None:
            self.refuse(NoToken(f"The first message must be {{type: auth, token}}: it is {error}."))

    def on_closed(self, closing: Closing) -> None:
        self._clients.on_closed(self, closing)

    def on_message(self, message: str | bytes) -> None:
        request: dict[str, Any] = {}
        if self.member is None:
            self._handle_token(message)
            return
        try:
            refusal = self._clients.rate_limit.refusal(self._connection)
            request = self._dialect.read(message)
            if refusal is not None:
                # Not raised: it would have this frame, which has it.
                self._fail(refusal, request)
                return
            if self._share is not None and not self._share.spend():
                self.hub.quotas.draw(self._share, self._connection)
            require_current(self.member.identity, self.hub.clock())
            if request.get("type") == "auth":
                pending: Awaitable[object] | None = self._authenticate(read_token(request))
            else:
                pending = self._dialect.handle(self.member, request)
        except Exception as error:  # noqa: BLE001 - every frame is answered
            self._fail(error, request)
            return
        if pending is not None:
            self._start(self._finish(pending, request))

    async def _finish(self, pending: Awaitable[object], request: dict[str, Any]) -> None:
        try:
            await pending
        except Exception as error:  # noqa: BLE001 - every frame is answered
            self._fail(error, request)

    def _start(self, work: Awaitable[None]) -> None:
        self._clients.work.begin(self._connection, work)

    def _fail(self, error: Exception, message: dict[str, Any]) -> HearthError:
        namespace, address = self._endpoint.namespace, self._connection.address
        public = answers.refusal(self.hub, error, namespace, address)
        self._dialect.fail(public, message)
        return public
