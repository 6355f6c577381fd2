"""What all namespaces do: let in, take requests, answer each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Protocol

import socketio

from app.auth import Authenticator, find_token
from app.core import access
from app.core.channel import Channel, channel_named
from app.core.clock import isoformat
from app.core.errors import (
    Forbidden,
    HearthError,
    Invalid,
    TokenExpired,
    Unavailable,
)
from app.core.history import Position
from app.core.message import Receipt
from app.hub.draft import Draft
from app.hub.hub import Hub
from app.hub.memberships import Member
from app.requests import answers
from app.requests.expiry import ExpiryTimer
from namespaces.returning import Returning
from namespaces.turns import Turns
from schemas import requests
from schemas.envelope import notice


class Request(Protocol):
    """One event from a client; see `app.realtime.request.Request`."""

    event: str
    data: Sequence[Any]
    error: HearthError | None

    @property
    def wants_ack(self) -> bool: ...

    def reply(self, answer: dict[str, Any]) -> None: ...


class ChannelNamespace(socketio.AsyncNamespace):  # type: ignore[misc]
    """A namespace whose rooms are channels.

    Events are looked up in the requests below and among the registry's types, never by the name
    of a method: an event called `connect` or `__init__` reaches nothing.

    Args:
        limits: told to each client in `connection_ack`, by name.
    """

    path: ClassVar[str]

    def __init__(
        self,
        hub: Hub,
        authenticator: Authenticator,
        limits: Mapping[str, float],
    ) -> None:
        super().__init__(self.path)
        self.hub = hub
        self._authenticator = authenticator
        self._limits = dict(limits)
        #: A worker may have a connection enter a room while it joins the same channel itself.
        self.joins = Turns()
        self._members: dict[str, Member] = {}
        self._returning = Returning(hub, self.path, self.joins)
        self._expiry = ExpiryTimer(hub.clock, self._expire)
        self._requests: dict[str, Callable[[Member, Request], Awaitable[None]]] = {
            "join": self._join,
            "leave": self._leave,
            "history": self._history,
            "presence": self._presence,
            "authenticate": self._authenticate,
            "ping": self._ping,
        }

    async def trigger_event(self, event: str, *args: Any) -> Any:
        """Called by python-socketio when a connection begins or ends; requests come elsewhere."""
        if event == "connect":
            await self._connect(*args)
        elif event == "disconnect":
            await self._disconnect(*args)

    async def _connect(self, sid: str, environ: Mapping[str, Any], auth: Any) -> None:
        try:
            identity = self._authenticator.identify(find_token(environ, auth))
        except Exception as error:  # noqa: BLE001 - every connection is answered
            shown = answers.shown(error, self.path)
            raise socketio.exceptions.ConnectionRefusedError(
                shown.message, shown.to_dict()
            ) from None
        member = await self._returning.admit(self.server, sid, identity, auth)
        sid, identity = member.sid, member.identity
        self._members[sid] = member
        self._expiry.set(sid, identity.expires_at)
        now = isoformat(self.hub.clock())
        data = {"user_id": identity.id, "kind": identity.kind, "server_time": now}
        # Held until the CONNECT reply, and written with it.
        self._notify(sid, "connection_ack", data | {"limits": self._limits})
        self._returning.replay(member)

    async def on_connected(self, sid: str) -> None:
        """Welcome a client that has its CONNECT reply."""
        member = self._members[sid]
        try:
            if not await self._returning.finish(member):
                await self.welcome(member)
        except Unavailable as error:
            # The client can't know what it would have joined: have it come back, as who loses a
            # connection does by itself, and who is sent away doesn't.
            self._notify(sid, "error", error.to_dict(), **answers.failure(error))
            self.server.lose(sid, self.path)

    def member(self, sid: str) -> Member | None:
        """Return the member that a session id names."""
        return self._members.get(sid)

    async def welcome(self, member: Member) -> None:
        """Do what a namespace does for each new member; nothing by default."""

    async def _disconnect(self, sid: str, reason: str) -> None:
        self._expiry.cancel(sid)
        member = self._members.pop(sid, None)
        if member is None:
            return
        await self._returning.give_up(member)
        await self.hub.memberships.disconnect(member)

    def on_request(self, sid: str, request: Request) -> Awaitable[Any] | None:
        """Handle one event and answer it, whatever happens; None when that is done already."""
        member = self._members.get(sid)
        if member is None:
            return None
        try:
            pending = self._dispatch(member, request)
        except Exception as error:  # noqa: BLE001 - every request is answered
            self._fail(sid, request, error)
            return None
        if pending is None or isinstance(pending, asyncio.Future):
            return pending
        return self._finish(sid, request, pending)

    def publishes(self, event: str) -> bool:
        """Tell whether an event publishes."""
        return event not in self._requests and self.hub.registry.get(self.path, event) is not None

    async def _finish(self, sid: str, request: Request, pending: Awaitable[Any]) -> None:
        try:
            await pending
        except Exception as error:  # noqa: BLE001 - every request is answered
            self._fail(sid, request, error)

    def _dispatch(self, member: Member, request: Request) -> Awaitable[Any] | None:
        if request.error is not None:
            raise request.error
        expires_at = member.identity.expires_at
        if expires_at is not None and expires_at <= self.hub.clock():
            raise TokenExpired  # and the timer is about to end the connection
        if (handle := self._requests.get(request.event)) is not None:
            return handle(member, request)
        if self.hub.registry.get(self.path, request.event) is not None:
            return self._publish(member, request)
        raise Invalid(
            f"{self.path} has no such event.",
            fields={"type": "Neither a request nor a type of message here."},
        )

    def _fail(self, sid: str, request: Request, error: BaseException) -> None:
        shown = answers.shown(error, self.path)
        failure = answers.failure(shown)
        self.hub.counters.failed[shown.code] += 1
        if request.wants_ack:
            request.reply(failure)
        else:
            self._notify(sid, "error", shown.to_dict(), **failure)

    def _notify(self, sid: str, event: str, data: dict[str, Any], **further: Any) -> None:
        envelope = notice(event, data, isoformat(self.hub.clock()))
        self.server.post_event(sid, self.path, event, envelope | further)

    # Requests, contract §3

    def _publish(self, member: Member, request: Request) -> Awaitable[Any] | None:
        asked = requests.PUBLISH.load(_argument(request))
        identity = member.identity
        draft = Draft(
            channel_named(self.path, asked["channel"]),
            request.event,
            asked["data"],
            identity.to_dict(),
            asked.get("action"),
            asked.get("nonce"),
        )
        receipt = self.hub.publish_as(identity, draft)
        if isinstance(receipt, Receipt):
            request.reply(answers.published(receipt))
            return None
        receipt.add_done_callback(partial(self._on_published, member.sid, request))
        return receipt

    def _on_published(self, sid: str, request: Request, published: asyncio.Future[Receipt]) -> None:
        if published.cancelled():
            return  # the server ends
        if (error := published.exception()) is not None:
            self._fail(sid, request, error)
            return
        request.reply(answers.published(published.result()))

    async def _join(self, member: Member, request: Request) -> None:
        asked = requests.JOIN.load(_argument(request))
        channel = Channel(self.path, asked["channel"])
        since = Position(**asked["since"]) if asked.get("since") else None
        async with (
            self.joins.take((member.sid, channel)),
            self.hub.memberships.joining(member, channel, since, asked.get("history")) as joined,
        ):
            request.reply(answers.joined(channel, joined))

    async def _leave(self, member: Member, request: Request) -> None:
        asked = requests.LEAVE.load(_argument(request))
        await self.hub.memberships.leave(member, Channel(self.path, asked["channel"]))
        request.reply({"ok": True})

    async def _history(self, member: Member, request: Request) -> None:
        asked = requests.HISTORY.load(_argument(request))
        page = await self.hub.history(
            member.identity,
            Channel(self.path, asked["channel"]),
            asked.get("before"),
            asked["limit"],
        )
        request.reply(answers.page(page))

    async def _presence(self, member: Member, request: Request) -> None:
        asked = requests.PRESENCE.load(_argument(request))
        members = await self.hub.presence(member.identity, Channel(self.path, asked["channel"]))
        request.reply({"ok": True, **answers.presence(members)})

    async def _authenticate(self, member: Member, request: Request) -> None:
        asked = requests.AUTHENTICATE.load(_argument(request))
        identity = self._authenticator.identify(asked["token"])
        if identity.key != member.identity.key:
            raise Forbidden("The token is somebody else's.")
        member.identity = identity
        self._expiry.set(member.sid, identity.expires_at)
        for channel in list(member.channels):
            if not access.may_read(identity, channel):
                await self.hub.memberships.leave(member, channel)
        expires_at = identity.expires_at
        request.reply(
            {"ok": True, "expires_at": None if expires_at is None else isoformat(expires_at)}
        )

    async def _ping(self, member: Member, request: Request) -> None:
        now = isoformat(self.hub.clock())
        request.reply({"ok": True, "server_time": now})
        self._notify(member.sid, "pong", {"server_time": now})

    async def _expire(self, sid: str) -> None:
        error = TokenExpired()
        self._notify(sid, "error", error.to_dict(), **answers.failure(error))
        await self.server.end(sid, self.path)


def _argument(request: Request) -> Any:
    """Return the request's one argument. Raises `Invalid` when it has none or more."""
    if len(request.data) != 2:  # the event's name comes first
        raise Invalid(f"{request.event} takes exactly one argument.", fields={"": "One object."})
    return request.data[1]
