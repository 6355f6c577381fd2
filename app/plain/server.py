"""The server of plain WebSockets, and of all their clients in this process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from app.auth import Authenticator
from app.core.closing import Closing
from app.core.errors import TokenExpired, TooManyFromAddress
from app.core.quota import RETRY_SECONDS
from app.hub.hub import Hub
from app.plain.client import PlainClient
from app.plain.connection import PlainConnection
from app.plain.paths import Endpoint, Query
from app.requests.expiry import ExpiryTimer
from app.transport.deadlines import Deadlines
from app.transport.frames import PING, encode
from app.transport.heartbeat import Heartbeat
from app.transport.limits import Limits
from app.transport.rate_limit import RateLimit
from app.transport.takeover import Upgraded, begin
from app.transport.work import Work

AUTH_SECONDS: Final = 10.0
PING_SECONDS: Final = 30.0
CLOSE_SECONDS: Final = 3.0


class PlainOptions(NamedTuple):
    """The limits of connections.

    Args:
        max_message_bytes: larger frames are refused; those over twice this close the connection.
        max_unsent_bytes: unsent bytes past which a connection is a slow consumer, and cut off.
        messages_per_second: frames that one connection may send; 0 sets no limit.
        ping_timeout: seconds that the answer to a ping may take.
        auth_seconds: seconds that a client has to send its token, or whatever else must come first.
    """

    max_message_bytes: int
    max_unsent_bytes: int
    messages_per_second: float
    ping_timeout: float
    auth_seconds: float = AUTH_SECONDS


class PlainServer:
    """The server; see `PlainClients`.

    Args:
        generate_sid: returns a new session id.
        limits: by name, for each client's `connection_ack`.
        clock: seconds of any origin, for the rate limit.
    """

    def __init__(
        self,
        hub: Hub,
        authenticator: Authenticator,
        generate_sid: Callable[[], str],
        limits: Mapping[str, float],
        options: PlainOptions,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.hub = hub
        self.authenticator = authenticator
        self.limits = dict(limits)
        self.max_message_bytes = options.max_message_bytes
        self.rate_limit = RateLimit(options.messages_per_second, clock)
        self.expiry: ExpiryTimer[PlainClient] = ExpiryTimer(hub.clock, self._expire)
        self.work = Work()
        self.heartbeat = Heartbeat(PING_SECONDS, options.ping_timeout, encode(PING, b""))
        self.clients: dict[PlainConnection, PlainClient] = {}
        self._generate_sid = generate_sid
        self._limits = Limits(
            options.max_message_bytes,
            2 * options.max_message_bytes,
            options.max_unsent_bytes,
            options.messages_per_second,
        )
        self._due: Deadlines[PlainClient] = Deadlines(options.auth_seconds, self._on_late)

    def count_members(self) -> Counter[str]:
        """Return the number of connections in each namespace."""
        return Counter(client.endpoint.namespace for client in self.clients.values())

    async def close_all(self) -> None:
        """Close every connection with code 1001; the clients connect again."""
        for connection in list(self.clients):
            connection.close(Closing.SERVER_DISCONNECT)
        self.heartbeat.stop()
        self._due.clear()
        await self.work.finish(CLOSE_SECONDS)

    def open(
        self,
        upgraded: Upgraded,
        address: str,
        endpoint: Endpoint,
        token: str | None,
        query: Query,
    ) -> None:
        """Begin with a new client."""
        socket = begin(
            upgraded.transport,
            upgraded.reply,
            self._limits.stranger_bytes,
            self._limits.unsent_bytes,
        )
        connection = PlainConnection(self._generate_sid(), address, socket, self._limits)
        client = self.clients[connection] = PlainClient(self, connection, endpoint)
        connection.attach(client)
        self.heartbeat.add(connection)
        has_room = self.hub.quotas.has_room(connection.address)
        self.hub.quotas.on_opened(connection)
        if has_room:
            client.open(token, query)
        else:  # by a close code: browsers don't show pages what a handshake is answered
            client.refuse(TooManyFromAddress(connection.address, retry_after=RETRY_SECONDS))
        if upgraded.tail:
            socket.data_received(upgraded.tail)

    async def _expire(self, client: PlainClient) -> None:
        client.refuse(TokenExpired())

    def _on_late(self, client: PlainClient) -> None:
        client.on_late()

    # Clients' events

    def expect(self, client: PlainClient) -> None:
        self._due.add(client)

    def got(self, client: PlainClient) -> None:
        self._due.discard(client)

    def on_pong(self, client: PlainClient) -> None:
        self.heartbeat.on_pong(client.connection)

    def on_closed(self, client: PlainClient, closing: Closing) -> None:
        self.hub.quotas.on_closed(client.connection)
        self.hub.counters.closed[closing.reason] += 1
        self.clients.pop(client.connection, None)
        self._due.discard(client)
        self.expiry.cancel(client)
        self.heartbeat.discard(client.connection)
        self.work.spawn(client.leave())
