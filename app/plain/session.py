"""One connection of a plain client, from its handshake on."""

from __future__ import annotations

from app.core.history import Position
from app.membership import Member
from app.plain.closing import PING_TIMEOUT
from app.plain.paths import Endpoint
from app.realtime.frames import NORMAL
from app.realtime.plain import PlainConnection, PlainEvents
from app.realtime.websocket import WebSocket


class Session(PlainConnection):
    """A plain connection at an endpoint; `member` is who it is, None until a token has said so.

    `since` says for each of its channels, in their order, which message it saw last.

    Args:
        stranger: whether it came without a token, so that one may still follow.
    """

    __slots__ = ("endpoint", "member", "since", "stranger")

    def __init__(
        self,
        sid: str,
        socket: WebSocket,
        events: PlainEvents,
        max_unsent_bytes: int,
        endpoint: Endpoint,
        *,
        stranger: bool,
    ) -> None:
        super().__init__(sid, socket, events, max_unsent_bytes)
        self.endpoint = endpoint
        self.since: list[Position | None] = []
        self.stranger = stranger
        self.member: Member | None = None

    def close(self, reason: str, code: int = NORMAL, told: str = "") -> None:
        if reason == "ping timeout":  # the heartbeat knows no codes
            code, told = PING_TIMEOUT, reason
        super().close(reason, code, told)
