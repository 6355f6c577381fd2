"""Plain WebSocket endpoints: from handshakes to members, from frames to verbs of the Hub."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from itertools import chain, repeat
from typing import Any, Final

from app.auth import Authenticator
from app.core.clock import isoformat
from app.core.closing import Closing
from app.core.errors import (
    Forbidden,
    HearthError,
    Invalid,
    RateLimited,
    TokenExpired,
    TooLarge,
    Unauthorized,
)
from app.core.identity import Identity
from app.core.message import Receipt
from app.core.rate import TokenBucket
from app.hub.hub import Hub
from app.hub.memberships import Member
from app.plain import texts
from app.plain.connection import Session
from app.plain.fanout import PlainFanOut
from app.plain.incoming import nonce_of, read_draft, read_message, read_token
from app.plain.paths import EVENTS, LOGS, read_since
from app.requests import answers
from app.requests.expiry import ExpiryTimer
from app.transport.deadlines import Deadlines
from app.transport.frames import PING, encode
from app.transport.heartbeat import Heartbeat
from app.transport.work import Work
from schemas.errors import SchemaError

AUTH_SECONDS: Final = 10.0
PING_SECONDS: Final = 30.0
CLOSE_SECONDS: Final = 3.0


class PlainServer:
    """All plain connections of this process.

    Args:
        fanout: hands them what is published.
        limits: told to each client in `connection_ack`, by name.
        max_message_bytes: frames over this are refused.
        messages_per_second: frames that one connection may send; 0 sets no limit.
        ping_timeout: seconds that the answer to a ping may take.
        monotonic: seconds, for the rate.
    """

    def __init__(
        self,
        hub: Hub,
        fanout: PlainFanOut,
        authenticator: Authenticator,
        limits: Mapping[str, float],
        max_message_bytes: int,
        messages_per_second: float,
        ping_timeout: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.heartbeat = Heartbeat(PING_SECONDS, ping_timeout, encode(PING, b""))
        #: Who is asked for a token.
        self.unknown: Deadlines[Session] = Deadlines(AUTH_SECONDS, self._on_no_token)
        self.sessions: dict[str, Session] = {}
        self._hub = hub
        self._fanout = fanout
        self._authenticator = authenticator
        self._limits = dict(limits)
        self._max_message_bytes = max_message_bytes
        self._messages_per_second = messages_per_second
        self._monotonic = monotonic
        self._work = Work()
        self._expiry = ExpiryTimer(hub.clock, self._expire)

    def count_members(self) -> Counter[str]:
        """Return how many connections are at home in each namespace."""
        return Counter(session.endpoint.namespace for session in self.sessions.values())

    async def close_all(self) -> None:
        """Close every connection with 1001; clients come back, to another process or later."""
        for session in list(self.sessions.values()):
            session.close(Closing.SERVER_DISCONNECT)
        self.heartbeat.stop()
        self.unknown.clear()
        await self._work.finish(CLOSE_SECONDS)

    # The life of a connection

    def open(self, session: Session, token: str | None, since: Iterable[str]) -> None:
        """Begin with a connection whose handshake is answered.

        Args:
            since: as the query has them.
        """
        self.sessions[session.sid] = self._fanout.connections[session.sid] = session
        self.heartbeat.add(session)
        try:
            if not session.endpoint.is_feed:
                session.since = [read_since(text) for text in since]
            session.endpoint.check()
            for channel in session.endpoint.channels:
                self._hub.registry.check_channel(channel.namespace, channel.name)
            self._admit(session, token)
        except Exception as error:  # noqa: BLE001 - every connection is answered
            self.refuse(session, error)

    def _admit(self, session: Session, token: str | None) -> None:
        endpoint = session.endpoint
        try:
            identity = self._authenticator.identify(token, endpoint.user_id)
            endpoint.open_to(identity)
        except (Unauthorized, Forbidden):
            if token is not None:
                raise
            # Strangers are not let in, or not here: so it has to say who it is.
            self.unknown.add(session)
        else:
            self._work.begin(session, self._join(session, identity))

    async def _join(self, session: Session, identity: Identity) -> None:
        """Make it a member of all its channels, or say why not and end it."""
        if session.closed:
            return
        endpoint, hub = session.endpoint, self._hub
        member = session.member = Member(session.sid, endpoint.namespace, identity)
        self._expiry.set(session.sid, identity.expires_at)
        try:
            async with AsyncExitStack() as stack:
                joined: list[texts.Place] = []
                places = chain(session.since, repeat(None))
                for channel, since in zip(endpoint.open_to(identity), places, strict=False):
                    limit = texts.HISTORY_MESSAGES if channel in (LOGS, EVENTS) else None
                    joining = hub.memberships.joining(member, channel, since, limit)
                    joined.append((channel, since, await stack.enter_async_context(joining)))
                if endpoint.is_feed:
                    first = texts.feed_history(joined)
                else:
                    first = texts.welcome(identity, self._limits, joined, hub.clock())
                if first:
                    session.write(first)
                session.since = []
        except Exception as error:  # noqa: BLE001 - every connection is answered
            self.refuse(session, error)

    def refuse(self, session: Session, error: Exception) -> None:
        """Say why, and end it."""
        shown = self._tell(session, error, {})
        session.close(Closing.because_of(shown))

    def _on_no_token(self, session: Session) -> None:
        self.refuse(session, Unauthorized("No token came in time."))

    async def _expire(self, sid: str) -> None:
        if (session := self.sessions.get(sid)) is not None:
            self.refuse(session, TokenExpired())

    # What arrives, from app.plain.connection

    def on_pong(self, session: Session) -> None:
        self.heartbeat.on_pong(session)

    def on_closed(self, session: Session, closing: Closing) -> None:
        self._hub.counters.closed[closing.reason] += 1
        self.sessions.pop(session.sid, None)
        self._fanout.connections.pop(session.sid, None)
        self.unknown.discard(session)
        self._expiry.cancel(session.sid)
        if session.member is not None:
            self._work.spawn(self._hub.memberships.disconnect(session.member))

    def on_message(self, session: Session, frame: str | bytes) -> None:
        message: dict[str, Any] = {}
        member = session.member
        if member is None:
            self._identify(session, frame)
            return
        try:
            wait = self._wait_for_turn(session)
            if session.endpoint.is_feed and frame == "ping":
                message = {"type": "ping"}
            else:
                message = read_message(frame, self._max_message_bytes)
            if wait > 0:
                raise RateLimited(retry_after=math.ceil(wait * 1000) / 1000)
            expires_at = member.identity.expires_at
            if expires_at is not None and expires_at <= self._hub.clock():
                raise TokenExpired  # and the timer is about to end the connection
            pending = self._take(session, member, message)
        except Exception as error:  # noqa: BLE001 - every frame is answered
            self._tell(session, error, message)
            return
        if pending is not None:
            self._work.begin(session, self._finish(session, pending, message))

    async def _finish(
        self, session: Session, pending: Awaitable[object], message: dict[str, Any]
    ) -> None:
        try:
            await pending
        except Exception as error:  # noqa: BLE001 - every frame is answered
            self._tell(session, error, message)

    def _wait_for_turn(self, session: Session) -> float:
        if self._messages_per_second <= 0:
            return 0.0
        if session.bucket is None:
            session.bucket = TokenBucket(self._messages_per_second)
        return session.bucket.take(self._monotonic())

    def _tell(self, session: Session, error: Exception, message: dict[str, Any]) -> HearthError:
        """Send an `error` envelope about a message, or about the connection itself."""
        shown = answers.shown(error, session.endpoint.namespace)
        failure = answers.failure(shown)
        self._hub.counters.failed[shown.code] += 1
        now = self._hub.clock()
        further = nonce_of(message) | failure
        session.write(texts.notice_frame("error", shown.to_dict(), now, **further))
        return shown

    # Requests

    def _take(
        self, session: Session, member: Member, message: dict[str, Any]
    ) -> Awaitable[object] | None:
        match message["type"]:
            case "ping":
                session.write(texts.pong(self._hub.clock(), for_feed=session.endpoint.is_feed))
            case "pong":
                pass  # some answer heartbeats so
            case "auth":
                return self._authenticate(session, member, read_token(message))
            case _ if session.endpoint.is_feed:
                raise Invalid("Nothing is published here; this path only listens.")
            case _:
                return self._publish(session, member, message)
        return None

    def _publish(
        self, session: Session, member: Member, message: dict[str, Any]
    ) -> Awaitable[object] | None:
        draft = read_draft(message, session.endpoint.channels, member.identity)
        receipt = self._hub.publish_as(member.identity, draft)
        return None if isinstance(receipt, Receipt) else receipt

    def _identify(self, session: Session, frame: str | bytes) -> None:
        """Take the first message of who was asked for a token."""
        try:
            message = read_message(frame, self._max_message_bytes)
            if message["type"] != "auth":
                raise Unauthorized("The first message must be {type: auth, token}.")
            identity = self._authenticator.identify(read_token(message), session.endpoint.user_id)
            session.endpoint.open_to(identity)
        except (Invalid, TooLarge, SchemaError) as error:
            self.refuse(session, Unauthorized(str(error)))
        except Exception as error:  # noqa: BLE001 - every connection is answered
            self.refuse(session, error)
        else:
            self.unknown.discard(session)
            session.stranger = False
            self._work.begin(session, self._join(session, identity))

    async def _authenticate(self, session: Session, member: Member, token: str) -> None:
        """Go on with a fresh token; who came without one begins anew, as whom it proves."""
        identity = self._authenticator.identify(token, session.endpoint.user_id)
        if identity.key != member.identity.key and not session.stranger:
            raise Forbidden("The token is somebody else's.")
        try:
            channels = session.endpoint.open_to(identity)
        except Forbidden as error:
            self.refuse(session, error)
            return
        if identity.key != member.identity.key or not member.channels.issuperset(channels):
            session.stranger = False
            await self._hub.memberships.disconnect(member)
            if not session.closed:
                await self._join(session, identity)
            return
        session.stranger = False
        member.identity = identity
        self._expiry.set(session.sid, identity.expires_at)
        for channel in member.channels.difference(channels):
            await self._hub.memberships.leave(member, channel)
        if not session.endpoint.is_feed:
            expires_at = identity.expires_at
            data = {"expires_at": None if expires_at is None else isoformat(expires_at)}
            session.write(texts.notice_frame("auth", data, self._hub.clock()))
