"""The client: `connect`, where programs begin, and the channels of one server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self
from weakref import WeakValueDictionary

from hearth_realtime import publishing
from hearth_realtime.address import Address
from hearth_realtime.channel import Channel
from hearth_realtime.errors import InvalidArgument, closed
from hearth_realtime.link import Link
from hearth_realtime.messages import Message, Position, Receipt, Sender
from hearth_realtime.payloads import (
    InAgents,
    InChat,
    InCircles,
    InFeeds,
    InNotifications,
    InWorkspaces,
)
from hearth_realtime.publishing import PATIENCE_SECONDS
from hearth_realtime.tokens import Token

MAX_UNREAD: Final = 1000


def connect(
    url: str, *, token: Token = None, path: str | None = None, max_unread: int = MAX_UNREAD
) -> Hearth:
    """Return a client, to be used in `async with`.

    Each namespace gets a connection when it is first used, and a new one whenever that is lost.
    Losses and errors are logged by the logger `hearth_realtime`.

    Args:
        url: the server's, e.g. `https://hearth.example.com` or `localhost:8000`; with a path, if a
            proxy has it under one: `https://example.com/hearth/`.
        token: a JWT, or a function (plain or async) that returns one. It is called at each connect
            and before a token expires. None is for servers in development mode.
        path: of Socket.IO at the server, if it isn't `socket.io` below the URL's path.
        max_unread: how many messages each channel buffers for a slow reader; further ones are read
            from the server's history when there is room.

    Raises:
        HearthError: `invalid`, and a ValueError too: the URL can't be a server's.
    """
    return Hearth(Address.of(url, path), token, max_unread)


class Hearth:
    """A client of one server; see `connect`. Leaving its block closes all its channels."""

    def __init__(self, address: Address, token: Token, max_unread: int) -> None:
        self._address = address
        self._token = token
        self._max_unread = max_unread
        self._links: dict[str, Link] = {}
        # A channel that is left is nobody's but its users'.
        self._channels: WeakValueDictionary[tuple[str, str], Channel[Any]] = WeakValueDictionary()
        self._closed = False

    @property
    def identity(self) -> Sender | None:
        """Who we are, as the token says: the `sender` of what we publish. None before the first
        connection."""
        return next((link.identity for link in self._links.values() if link.identity), None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close everything: iterations end, pending requests raise `HearthError` (`closed`)."""
        self._closed = True
        await asyncio.gather(*(link.close() for link in self._links.values()))

    async def channel(
        self, namespace: str, name: str, *, history: int = 0, since: Position | None = None
    ) -> Channel[Message]:
        """Join a channel, and return once it is joined, however long the server takes.

        A channel that is open already is returned as it is. If you give up waiting (by
        `asyncio.timeout`, say), it isn't joined later.

        Args:
            namespace: e.g. `/circles`.
            name: the channel's.
            history: how many of the newest messages to begin with, 0 to 1,000.
            since: the position (`message.position`) of an earlier message to begin after.

        Raises:
            HearthError: `unauthorized`, `token_expired`, `forbidden`, `invalid`; `closed`.
        """
        return await self._join(namespace, name, history, since)

    async def circle(
        self, name: str, *, history: int = 0, since: Position | None = None
    ) -> Channel[InCircles]:
        """Join a circle, where agents and people talk. As `channel`."""
        return await self._join("/circles", name, history, since)

    async def workspace(
        self,
        name: str,
        *,
        history: int = 0,
        since: Position | None = None,
    ) -> Channel[InWorkspaces]:
        """Join a workspace by its id: its files and git, as they change. As `channel`."""
        return await self._join("/workspaces", name, history, since)

    async def agent(
        self,
        name: str,
        *,
        history: int = 0,
        since: Position | None = None,
    ) -> Channel[InAgents]:
        """Join an agent's stream of activity by its id. As `channel`."""
        return await self._join("/agents", name, history, since)

    async def chat(
        self, path: str, *, history: int = 0, since: Position | None = None
    ) -> Channel[InChat]:
        """Join a chat, `<workflow>/<app_id>/<chat_id>`. As `channel`."""
        return await self._join("/chat", path, history, since)

    async def feed(
        self, name: str, *, history: int = 0, since: Position | None = None
    ) -> Channel[InFeeds]:
        """Join a feed of logs, events or statistics. As `channel`."""
        return await self._join("/feeds", name, history, since)

    async def notifications(
        self, name: str | None = None, *, history: int = 0, since: Position | None = None
    ) -> Channel[InNotifications]:
        """Join notifications. As `channel`.

        Args:
            name: `user:<id>` or `broadcast`; None: a user's own channel, others' `broadcast`.
        """
        if name is None:
            who = (await self._link("/notifications").connected()).welcome
            name = f"user:{who['user_id']}" if who["kind"] == "user" else "broadcast"
        return await self._join("/notifications", name, history, since)

    async def publish(
        self,
        namespace: str,
        channel: str,
        type: str,  # noqa: A002 - the protocol's word
        data: Mapping[str, Any],
        *,
        action: str | None = None,
        nonce: str | None = None,
        timeout: float = PATIENCE_SECONDS,  # noqa: ASYNC109 - several attempts share it
    ) -> Receipt:
        """Publish into a channel without joining it; see `Channel.publish`."""
        link = self._link(namespace)
        return await publishing.publish(link, channel, type, data, action, nonce, timeout)

    async def _join(
        self, namespace: str, name: str, history: int, since: Position | None
    ) -> Channel[Any]:
        link = self._link(namespace)
        channel = self._channels.get((namespace, name))
        if channel is None or channel.state == "closed":
            channel = Channel(link, name, self._max_unread, history, since)
            self._channels[namespace, name] = channel
            link.subscribe(name, channel)
        await channel.wait_joined()
        return channel

    def _link(self, namespace: str) -> Link:
        if self._closed:
            raise closed()
        if not namespace.startswith("/"):
            raise InvalidArgument(f"Namespaces begin with a slash: /{namespace}")
        if (link := self._links.get(namespace)) is None or link.failed:
            link = self._links[namespace] = Link(self._address, namespace, self._token)
        return link
