"""The requests of one client of a namespace of channels, and their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from app.auth import Authenticator
from app.core.clock import isoformat
from app.core.errors import HearthError, Invalid
from app.core.message import Receipt
from app.core.quota import Share
from app.core.session import Session
from app.hub.hub import Hub
from app.hub.member import Member
from app.realtime.client import Client, Request
from app.requests import answers, verbs
from app.requests.authenticating import go_on_as, identify_again, require_current
from app.requests.expiry import ExpiryTimer
from schemas import requests
from schemas.envelope import notice
from schemas.registry import MessageType


@dataclass(frozen=True, slots=True)
class Context:
    """What all clients of one namespace use.

    Args:
        types: the types of its messages, by name.
    """

    path: str
    types: Mapping[str, MessageType]
    hub: Hub
    authenticator: Authenticator
    expiry: ExpiryTimer[Any]


Handle = Callable[["ChannelClient", Request], Awaitable[None]]


class ChannelClient:
    """The handler of a client whose events are requests; see `ClientHandler`.

    Events are looked up in `REQUESTS` and among the registry's types, never by the name of a
    method: an event called `connect` or `__init__` reaches nothing.

    Args:
        share: of its identity's budget, by which its requests are counted; None: they aren't.
    """

    __slots__ = ("_context", "_share", "client", "member")

    def __init__(
        self, context: Context, client: Client, member: Member, share: Share | None
    ) -> None:
        self.client = client
        self._share = share
        self.member = member
        self._context = context

    @property
    def session(self) -> Session | None:
        return self.member.session

    async def on_disconnected(self) -> None:
        self._context.expiry.cancel(self)
        await self._context.hub.memberships.disconnect(self.member)

    def publishes(self, event: str) -> bool:
        if event in self._context.types:
            return event not in REQUESTS
        context, identity = self._context, self.member.identity
        return context.hub.find_type(identity, context.path, event) is not None

    def on_request(self, request: Request) -> Awaitable[Any] | None:
        """Handle one event and answer it, whatever happens; None if that is done on return."""
        if request.error is not None:
            # Not raised: it would have this frame, which has the request, which has it.
            self._fail(request, request.error)
            return None
        try:
            context = self._context
            if self._share is not None and not self._share.spend():
                context.hub.quotas.draw(self._share, self.client.connection)
            require_current(self.member.identity, context.hub.clock())
            if (handle := REQUESTS.get(request.event)) is None:
                return self._publish(request)
            pending = handle(self, request)
        except Exception as error:  # noqa: BLE001 - every request is answered
            self._fail(request, error)
            return None
        return self._finish(request, pending)

    def notify(self, event: str, data: dict[str, Any], **further: Any) -> None:
        """Send an event of the server itself.

        Args:
            further: more keys of its envelope.
        """
        envelope = notice(event, data, isoformat(self._context.hub.clock()))
        self.client.post(event, envelope | further)

    def notify_error(self, error: HearthError) -> None:
        """Send an `error` event."""
        self.notify("error", error.to_dict(), **answers.failure(error))

    async def _finish(self, request: Request, pending: Awaitable[Any]) -> None:
        try:
            await pending
        except Exception as error:  # noqa: BLE001 - every request is answered
            self._fail(request, error)

    def _fail(self, request: Request, error: BaseException) -> None:
        address = self.client.connection.address
        public = answers.refusal(self._context.hub, error, self._context.path, address)
        if request.wants_ack:
            request.reply(answers.failure(public))
        else:
            self.notify_error(public)

    # The requests of docs/protocol.md

    def _publish(self, request: Request) -> Awaitable[Any] | None:
        context, identity, name = self._context, self.member.identity, request.event
        hub, path = context.hub, context.path
        message_type = context.types.get(name) or hub.require_type(identity, path, name)
        receipt = verbs.publish(hub, identity, path, name, _argument(request), message_type)
        if isinstance(receipt, Receipt):
            request.reply_json(answers.published(receipt))
            return None
        if not isinstance(receipt, asyncio.Future):
            return self._finish(request, self._publish_later(request, receipt))
        receipt.add_done_callback(partial(self._on_published, request))
        return receipt

    async def _publish_later(self, request: Request, publishing: Awaitable[Receipt]) -> None:
        request.reply_json(answers.published(await publishing))

    def _on_published(self, request: Request, published: asyncio.Future[Receipt]) -> None:
        if published.cancelled():
            return  # the server stops
        if (error := published.exception()) is not None:
            self._fail(request, error)
        else:
            request.reply_json(answers.published(published.result()))

    async def _authenticate(self, request: Request) -> None:
        arguments = requests.AUTHENTICATE.load(_argument(request))
        context = self._context
        identity = identify_again(context.authenticator, self.member, arguments["token"])
        context.expiry.set(self, identity.ends_at)
        left = await go_on_as(context.hub, self.member, identity)
        request.reply(
            {
                "ok": True,
                "expires_at": verbs.expires_at(identity),
                "left": sorted(channel.name for channel in left),
            }
        )

    async def _ping(self, request: Request) -> None:
        now = isoformat(self._context.hub.clock())
        request.reply({"ok": True, "server_time": now})
        self.notify("pong", {"server_time": now})


def _verb(verb: verbs.Verb) -> Handle:
    def handle(client: ChannelClient, request: Request) -> Awaitable[None]:
        context = client._context  # noqa: SLF001 - the class's own table
        return verb(context.hub, client.member, context.path, _argument(request), request.reply)

    return handle


REQUESTS: Final[dict[str, Handle]] = {
    **{name: _verb(verb) for name, verb in verbs.VERBS.items()},
    "authenticate": ChannelClient._authenticate,  # noqa: SLF001
    "ping": ChannelClient._ping,  # noqa: SLF001
}


def _argument(request: Request) -> Any:
    """Return the request's one argument. Raises `Invalid` when it has none or more."""
    if len(request.data) != 2:  # the event's name comes first
        raise Invalid(f"{request.event} takes exactly one argument.", fields={"": "One object."})
    return request.data[1]
