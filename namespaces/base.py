"""The base of namespaces whose rooms are channels: admits clients, whose events are requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import socketio

from app.auth import Authenticator, find_token
from app.core.clock import isoformat
from app.core.errors import TokenExpired, Unavailable
from app.core.quota import Share
from app.hub.hub import Hub
from app.hub.member import Member
from app.realtime.client import Client
from app.realtime.encoding import RECOVERABLE, SOCKET_IO
from app.requests import answers
from app.requests.expiry import ExpiryTimer
from app.requests.returning import Returning
from namespaces.requests import ChannelClient, Context


class ChannelNamespace(socketio.AsyncNamespace):  # type: ignore[misc]
    """A namespace whose rooms are channels.

    Args:
        limits: by name, for each client's `connection_ack`.
    """

    path: ClassVar[str]

    def __init__(self, hub: Hub, authenticator: Authenticator, limits: Mapping[str, float]) -> None:
        super().__init__(self.path)
        self.hub = hub
        self._authenticator = authenticator
        self._expiry: ExpiryTimer[ChannelClient] = ExpiryTimer(hub.clock, self._expire)
        self._context = Context(
            self.path,
            hub.registry.types(self.path),
            hub,
            authenticator,
            self._expiry,
        )
        self._limits = dict(limits)
        self._returning = Returning(hub, RECOVERABLE)

    @asynccontextmanager
    async def admitting(self, client: Client, auth: Any) -> AsyncIterator[None]:
        """Admit a client; see `ClientNamespace.admitting`."""
        try:
            identity = self._authenticator.identify(find_token(client.connection.handshake, auth))
        except Exception as error:  # noqa: BLE001 - every connection is answered
            raise answers.shown(error, self.path) from None
        connection = client.connection
        former = self._returning.former(auth, self.path, identity)
        share = self.hub.quotas.enter(connection, identity, former)
        member = Member(client.sid, self.path, identity, connection, SOCKET_IO)
        try:
            async with self._returning.admitting(member, auth) as (member, missed):
                self._greet(client, member, share)
                for channel, publication in missed or ():
                    self.hub.memberships.send(member, channel, publication)
                if missed is None:
                    await self.welcome(member)
                yield
        except Unavailable as error:
            # A reply would make one that may still be restored forget its session.
            if client.handler is not None or not self._returning.returns(auth):
                client.dismiss()
                client.greet()  # else it would not be told why
                ChannelClient(self._context, client, member, share).notify_error(error)
            raise

    def _greet(self, client: Client, member: Member, share: Share | None) -> None:
        identity = member.identity
        handler = ChannelClient(self._context, client, member, share)
        client.admit(member.sid, handler)
        self._expiry.set(handler, identity.ends_at)
        now = isoformat(self.hub.clock())
        limits = self._limits | self.hub.quotas.told(identity)
        client.connection.hold_writes()  # until the reply, to be written with it
        handler.notify(
            "connection_ack",
            {
                "user_id": identity.id,
                "kind": identity.kind,
                "server_time": now,
                "limits": limits,
            },
        )

    async def welcome(self, member: Member) -> None:
        """Hook for new members, before their CONNECT reply; does nothing by default.

        Raises:
            Unavailable: the client is disconnected, and tries again.
        """

    async def trigger_event(self, event: str, *args: Any) -> Any:
        """Handle the `disconnect` of python-socketio; requests don't come this way."""
        if event == "disconnect":
            client = self.server.manager.client(self.path, args[0])
            if client is not None and client.handler is not None:
                await client.handler.on_disconnected()

    async def _expire(self, client: ChannelClient) -> None:
        client.notify_error(TokenExpired())
        await self.server.disconnect_client(client.client)
