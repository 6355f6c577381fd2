"""One event of a client, as namespaces that take requests get it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol, runtime_checkable

import orjson

from app.core.errors import HearthError
from app.realtime.manager import Client
from app.transport.frames import TEXT, encode


class Request:
    """An event and the way to answer it.

    Args:
        data: its name, as the client wrote it, and what came with it.
        error: why it can't be taken, or None.
    """

    __slots__ = ("_ack_id", "_client", "data", "error", "event")

    def __init__(
        self,
        data: Sequence[Any],
        error: HearthError | None,
        client: Client,
        ack_id: int | None,
    ) -> None:
        self.event: str = data[0]
        self.data = data
        self.error = error
        self._client = client
        self._ack_id = ack_id

    @property
    def wants_ack(self) -> bool:
        """Whether the client waits for an answer, and hasn't got one yet."""
        return self._ack_id is not None

    def reply(self, answer: dict[str, Any]) -> None:
        """Acknowledge the event, once; it is on its way when this returns."""
        if self._ack_id is None:
            return
        client = self._client
        ack = b"%b%d[%b]" % (client.ack_head, self._ack_id, orjson.dumps(answer))
        self._ack_id = None
        client.connection.write(encode(TEXT, ack))


@runtime_checkable
class RequestHandler(Protocol):
    """A namespace that takes its clients' events as requests rather than by `on_…` methods."""

    namespace: str

    async def on_connected(self, sid: str) -> None:
        """The client has its CONNECT reply: what is sent from here comes after it."""

    def publishes(self, event: str) -> bool:
        """Tell whether an event publishes, and so may go right behind others that do."""

    def on_request(self, sid: str, request: Request) -> Awaitable[Any] | None:
        """Handle one event; the connection's next one waits for what is returned.

        Of what publishes it may be a future: see `app.realtime.turns`.
        """
