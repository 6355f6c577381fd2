"""Plain clients: connections to endpoints, their identities, and their requests."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from contextlib import AsyncExitStack
from itertools import chain, repeat
from typing import Any, Protocol

from app.auth import Authenticator
from app.core.clock import isoformat
from app.core.closing import Closing
from app.core.errors import Forbidden, HearthError, Invalid, TooLarge, Unauthorized
from app.core.history import Position
from app.core.identity import Identity
from app.core.message import Receipt
from app.core.rate import TokenBucket
from app.hub.hub import Hub
from app.hub.member import Member
from app.plain import texts
from app.plain.connection import PlainConnection
from app.plain.encoding import PLAIN
from app.plain.incoming import nonce_of, read_draft, read_message, read_token
from app.plain.paths import EVENTS, LOGS, Endpoint, read_since
from app.requests import answers
from app.requests.authenticating import require_current
from app.requests.expiry import ExpiryTimer
from app.transport.rate_limit import RateLimit
from app.transport.work import Work
from schemas.errors import SchemaError


class PlainClients(Protocol):
    """The server of plain clients, as they know it."""

    hub: Hub
    authenticator: Authenticator
    limits: dict[str, float]
    max_message_bytes: int
    rate_limit: RateLimit | None
    expiry: ExpiryTimer[PlainClient]
    work: Work

    def expect_token(self, client: PlainClient) -> None:
        """A client has to send a token in time."""

    def got_token(self, client: PlainClient) -> None:
        """A client that had to has sent a token."""

    def on_pong(self, client: PlainClient) -> None:
        """A client has answered a ping."""

    def on_closed(self, client: PlainClient, closing: Closing) -> None:
        """A client's connection is closed."""


class PlainClient:
    """One connection to an endpoint; see `PlainHandler`. `member` is None until identified."""

    __slots__ = ("_bucket", "_clients", "_since", "_stranger", "connection", "endpoint", "member")

    def __init__(
        self, clients: PlainClients, connection: PlainConnection, endpoint: Endpoint
    ) -> None:
        self.connection = connection
        self.endpoint = endpoint
        self.member: Member | None = None
        self._clients = clients
        self._stranger = False  # it came without a token, which may still follow
        # The position of the last message seen in each of its channels, in their order.
        self._since: list[Position | None] = []
        self._bucket: TokenBucket | None = None

    # Identity

    def open(self, token: str | None, since: Iterable[str]) -> None:
        """Begin, once the handshake is answered.

        Args:
            since: all values of `since` in the query.
        """
        self._stranger = not token
        try:
            if not self.endpoint.is_feed:
                self._since = [read_since(text) for text in since]
            self.endpoint.check()
            for channel in self.endpoint.channels:
                self._clients.hub.registry.check_channel(channel.namespace, channel.name)
            self._admit(token)
        except Exception as error:  # noqa: BLE001 - every connection is answered
            self.refuse(error)

    def _admit(self, token: str | None) -> None:
        try:
            identity = self._identify(token)
        except (Unauthorized, Forbidden):
            if token is not None:
                raise
            # Strangers may not join, or not here: a token is needed.
            self._clients.expect_token(self)
        else:
            self._begin(self._join(identity))

    def _identify(self, token: str | None) -> Identity:
        """Return the identity of a token. Raises `Unauthorized`, or `Forbidden` for this path."""
        identity = self._clients.authenticator.identify(token, self.endpoint.user_id)
        self.endpoint.open_to(identity)
        return identity

    async def _join(self, identity: Identity) -> None:
        """Make it a member of all its channels, or refuse it."""
        if self.connection.closed:
            return
        endpoint, hub = self.endpoint, self._clients.hub
        member = self.member = Member(
            self.connection.sid, endpoint.namespace, identity, self.connection, PLAIN
        )
        self._clients.expiry.set(self, identity.ends_at)
        try:
            async with AsyncExitStack() as stack:
                joined: list[texts.JoinedChannel] = []
                positions = chain(self._since, repeat(None))
                for channel, since in zip(endpoint.open_to(identity), positions, strict=False):
                    limit = texts.HISTORY_MESSAGES if channel in (LOGS, EVENTS) else None
                    joining = hub.memberships.joining(member, channel, since, limit)
                    joined.append((channel, since, await stack.enter_async_context(joining)))
                if endpoint.is_feed:
                    first = texts.feed_history(joined)
                else:
                    first = texts.welcome(identity, self._clients.limits, joined, hub.clock())
                if first:
                    self.connection.write(first)
                self._since = []
        except Exception as error:  # noqa: BLE001 - every connection is answered
            self.refuse(error)

    def _handle_token(self, frame: str | bytes) -> None:
        """Handle the first message of a client that has to send a token."""
        try:
            message = read_message(frame, self._clients.max_message_bytes)
            if message["type"] != "auth":
                raise Unauthorized("The first message must be {type: auth, token}.")
            identity = self._identify(read_token(message))
        except (Invalid, TooLarge, SchemaError) as error:
            self.refuse(Unauthorized(str(error)))
        except Exception as error:  # noqa: BLE001 - every connection is answered
            self.refuse(error)
        else:
            self._clients.got_token(self)
            self._stranger = False
            self._begin(self._join(identity))

    # What arrives

    def on_pong(self) -> None:
        self._clients.on_pong(self)

    def on_closed(self, closing: Closing) -> None:
        self._clients.on_closed(self, closing)

    def on_message(self, message: str | bytes) -> None:
        request: dict[str, Any] = {}
        if self.member is None:
            self._handle_token(message)
            return
        try:
            refusal = self._count_request()
            if self.endpoint.is_feed and message == "ping":
                request = {"type": "ping"}
            else:
                request = read_message(message, self._clients.max_message_bytes)
            if refusal is not None:
                raise refusal
            require_current(self.member.identity, self._clients.hub.clock())
            pending = self._handle(self.member, request)
        except Exception as error:  # noqa: BLE001 - every frame is answered
            self._send_error(error, request)
            return
        if pending is not None:
            self._begin(self._finish(pending, request))

    async def _finish(self, pending: Awaitable[object], request: dict[str, Any]) -> None:
        try:
            await pending
        except Exception as error:  # noqa: BLE001 - every frame is answered
            self._send_error(error, request)

    def _begin(self, work: Awaitable[None]) -> None:
        self._clients.work.begin(self.connection, work)

    def _count_request(self) -> HearthError | None:
        limit = self._clients.rate_limit
        if limit is None:
            return None
        if self._bucket is None:
            self._bucket = limit.bucket()
        return limit.refusal(self._bucket)

    def refuse(self, error: Exception) -> None:
        """Send an error, and close the connection."""
        public = self._send_error(error, {})
        self.connection.close(Closing.because_of(public))

    def _send_error(self, error: Exception, request: dict[str, Any]) -> HearthError:
        """Send an `error` envelope about a request, or about the connection itself."""
        hub = self._clients.hub
        public = answers.refusal(hub, error, self.endpoint.namespace)
        further = nonce_of(request) | answers.failure(public)
        frame = texts.notice_frame("error", public.to_dict(), hub.clock(), **further)
        self.connection.write(frame)
        return public

    # Requests

    def _handle(self, member: Member, request: dict[str, Any]) -> Awaitable[object] | None:
        is_feed = self.endpoint.is_feed
        match request["type"]:
            case "ping":
                self.connection.write(texts.pong(self._clients.hub.clock(), for_feed=is_feed))
            case "pong":
                pass  # some clients' answer to a heartbeat
            case "auth":
                return self._authenticate(member, read_token(request))
            case _ if is_feed:
                raise Invalid("Nothing is published here; this path only listens.")
            case _:
                return self._publish(member, request)
        return None

    def _publish(self, member: Member, request: dict[str, Any]) -> Awaitable[object] | None:
        draft = read_draft(request, self.endpoint.channels, member.identity)
        receipt = self._clients.hub.publish_as(member.identity, draft)
        return None if isinstance(receipt, Receipt) else receipt

    async def _authenticate(self, member: Member, token: str) -> None:
        """Go on with a fresh token; a stranger begins anew, with the identity that it proves."""
        clients = self._clients
        identity = clients.authenticator.identify(token, self.endpoint.user_id)
        if identity.key != member.identity.key and not self._stranger:
            raise Forbidden("The token is somebody else's.")
        try:
            channels = self.endpoint.open_to(identity)
        except Forbidden as error:
            self.refuse(error)
            return
        self._stranger = False
        if identity.key != member.identity.key or not member.channels.issuperset(channels):
            await clients.hub.memberships.disconnect(member)
            if not self.connection.closed:
                await self._join(identity)
            return
        member.go_on_as(identity)
        clients.expiry.set(self, identity.ends_at)
        for channel in member.channels.difference(channels):
            await clients.hub.memberships.leave(member, channel)
        if not self.endpoint.is_feed:
            expires_at = identity.expires_at
            data = {"expires_at": None if expires_at is None else isoformat(expires_at)}
            self.connection.write(texts.notice_frame("auth", data, clients.hub.clock()))
