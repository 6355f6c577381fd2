"""Closing: every reason for which a connection is closed, in one table.

Socket.IO clients get no reason: they see a lost transport, after which stock clients reconnect by
themselves. Plain clients read the close code.
"""

from __future__ import annotations

from enum import Enum

from app.core.errors import (
    Forbidden,
    HearthError,
    Internal,
    Invalid,
    RateLimited,
    TokenExpired,
    TooLarge,
    Unauthorized,
    Unavailable,
)


def _by(error: type[HearthError], code: int) -> tuple[str, int, bool, str]:
    return error.code, code, error.temporary, error.code


class Closing(Enum):
    """The reason for which a connection is closed.

    Those up to `PING_TIMEOUT` are Engine.IO's, under python-socketio's names; the last ones are
    errors, by their codes.

    Args:
        reason: its name in metrics, logs and `disconnect` handlers.
        code: the close code of a plain WebSocket. 1006 stands for no close frame at all; codes from
            4000 are for applications (RFC 6455 §7.4), 1011 and 1013 are registered with IANA.
        comes_back: whether the client may succeed if it reconnects with the same token.
        frame_reason: the reason in the close frame.
    """

    TRANSPORT_CLOSE = "transport close", 1006, True
    TRANSPORT_ERROR = "transport error", 1002, False  # unless the frame that broke it has its own
    CLIENT_DISCONNECT = "client disconnect", 1000, False
    SERVER_DISCONNECT = "server disconnect", 1001, True, "restarting"
    PING_TIMEOUT = "ping timeout", 4008, True, "ping timeout"
    #: A slow consumer: too much is unsent to it.
    SLOW = "slow", 1006, True
    #: It held most when the process held too much for all together.
    MEMORY = "memory", 1013, True, "memory"
    #: It entered no Socket.IO namespace in time, or has left its last one.
    NO_NAMESPACE = "no namespace", 1000, False
    #: Another connection has claimed its session.
    SUPERSEDED = "superseded", 1000, False
    INVALID = _by(Invalid, 4004)
    UNAUTHORIZED = _by(Unauthorized, 4001)
    TOKEN_EXPIRED = _by(TokenExpired, 4001)
    FORBIDDEN = _by(Forbidden, 4003)
    TOO_LARGE = _by(TooLarge, 1009)
    RATE_LIMITED = _by(RateLimited, 4029)
    UNAVAILABLE = _by(Unavailable, 1013)
    INTERNAL = _by(Internal, 1011)

    def __init__(self, reason: str, code: int, comes_back: bool, frame_reason: str = "") -> None:
        self.reason = reason
        self.code = code
        self.comes_back = comes_back
        self.frame_reason = frame_reason

    @classmethod
    def because_of(cls, error: HearthError) -> Closing:
        """Return the reason for a connection that is closed because of an error."""
        return cls[error.code.upper()]
