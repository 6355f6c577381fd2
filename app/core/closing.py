"""Every way in which a connection ends, in one table.

Socket.IO clients are told no reason: to them it is a lost transport, and the stock ones come back
from that by themselves. Plain clients read the close code.
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
    """The end of a connection.

    Those up to `PING_TIMEOUT` are Engine.IO's, under the names that python-socketio gives them; the
    last are errors, by their code.

    Args:
        reason: in metrics, logs and `disconnect` handlers.
        code: what a plain WebSocket is closed with. 1006 stands for no close frame at all; the
            range from 4000 is for applications (RFC 6455 §7.4), 1011 and 1013 are IANA's.
        comes_back: whether the same client may succeed with what it has.
        told: the close frame's reason.
    """

    TRANSPORT_CLOSE = "transport close", 1006, True
    TRANSPORT_ERROR = "transport error", 1002, False  # unless the frame that broke it has its own
    CLIENT_DISCONNECT = "client disconnect", 1000, False
    SERVER_DISCONNECT = "server disconnect", 1001, True, "restarting"
    PING_TIMEOUT = "ping timeout", 4008, True, "ping timeout"
    #: It has too much unsent.
    SLOW = "slow", 1006, True
    #: It entered no Socket.IO namespace in time, or has left the last.
    NO_NAMESPACE = "no namespace", 1000, False
    #: Its session is another connection's by now.
    SUPERSEDED = "superseded", 1000, False
    INVALID = _by(Invalid, 4004)
    UNAUTHORIZED = _by(Unauthorized, 4001)
    TOKEN_EXPIRED = _by(TokenExpired, 4001)
    FORBIDDEN = _by(Forbidden, 4003)
    TOO_LARGE = _by(TooLarge, 1009)
    RATE_LIMITED = _by(RateLimited, 1013)
    UNAVAILABLE = _by(Unavailable, 1013)
    INTERNAL = _by(Internal, 1011)

    def __init__(self, reason: str, code: int, comes_back: bool, told: str = "") -> None:
        self.reason = reason
        self.code = code
        self.comes_back = comes_back
        self.told = told

    @classmethod
    def because_of(cls, error: HearthError) -> Closing:
        """Return the end of a connection that an error ends."""
        return cls[error.code.upper()]
