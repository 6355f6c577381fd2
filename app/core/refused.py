"""Refusals: every reason for which a request, or a whole connection, isn't let in, in one table.

Clients, the log and the metric `hearth_refused_total` have the same names for them
(docs/protocol.md, "Refusals"; docs/operations.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from app.core.errors import (
    AgentRateLimited,
    Forbidden,
    HearthError,
    Invalid,
    NoToken,
    OverQuota,
    RateLimited,
    TokenExpired,
    TooLarge,
    TooManyChannels,
    TooManyConnections,
    TooManyFromAddress,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    WrongClaim,
)


class Refused(Enum):
    """The reason of a refusal.

    Args:
        label: its name in metrics, logs and answers.
        error: what the client is told.
        what: what was refused, for the log.
        admitted_by: the setting, or whatever else, that would admit it; empty: nothing here.
    """

    ORIGIN = "origin", Forbidden, "a page of an origin that is not allowed", "ALLOWED_ORIGINS"
    HOST = (
        *("host", Forbidden, "a request to a name that is not this machine's"),
        "localhost or 127.0.0.1 in the address; or AUTH_SECRET, which ends development mode",
    )
    TRANSPORT = "transport", Invalid, "a transport that Engine.IO does not have", ""
    PROTOCOL = "protocol", Invalid, "an old protocol of Engine.IO", "socket.io-client 3 or newer"
    METHOD = "method", Invalid, "a method that opens no session", ""
    SESSION = (
        *("session", Invalid, "a session that this process does not have"),
        "sticky sessions, where there are several processes",
    )
    CLOSED = "closed", Unavailable, "a session that was closed a moment ago", ""
    UPGRADE = (
        *("upgrade", Invalid, "what is no WebSocket handshake"),
        "a proxy that passes the headers Upgrade and Connection",
    )
    REQUEST = "request", Invalid, "a bad request", ""
    HEADERS = "headers", TooLarge, "headers that are too large", "fewer or smaller cookies"
    TIMEOUT = "timeout", Unavailable, "a request that arrives too slowly", "a faster line"
    TOO_LARGE = "too_large", TooLarge, "a message that is too large", "MAX_MESSAGE_BYTES"
    RATE = (
        *("rate_limited", RateLimited, "too many requests on one connection"),
        "MESSAGES_PER_SECOND",
    )
    FLOOD = (
        *("flood", RateLimited, "more than a connection may send: it is not read for a moment"),
        "MESSAGES_PER_SECOND",
    )
    IDENTITY_RATE = (
        *("identity_rate", RateLimited, "too many requests of one identity"),
        "MESSAGES_PER_SECOND_PER_IDENTITY",
    )
    CONNECTIONS = (
        *("connections", RateLimited, "a connection too many of one identity"),
        "CONNECTIONS_PER_IDENTITY",
    )
    ADDRESS = (
        *("address", RateLimited, "a connection too many from one address"),
        "CONNECTIONS_PER_ADDRESS",
    )
    CHANNELS = (
        *("channels", Forbidden, "too many channels on one connection"),
        "CHANNELS_PER_CONNECTION",
    )
    FILES = "files", Unavailable, "a connection, for too many files are open", "ulimit -n"
    NO_TOKEN = (
        *("no_token", Unauthorized, "a client without a token"),
        "a token; for strangers, ANONYMOUS_GRANTS",
    )
    TOKEN = (
        *("token", Unauthorized, "a token that is not valid"),
        "a token that fits AUTH_SECRET, AUTH_ISSUER and AUTH_AUDIENCE",
    )
    TOKEN_EXPIRED = "token_expired", TokenExpired, "a token that has expired", "a fresh token"
    FORBIDDEN = "forbidden", Forbidden, "what the token does not permit", "a grant in the token"
    METRICS = (
        *("metrics", Forbidden, "a request for metrics from another machine"),
        "METRICS_TOKEN, as a bearer token",
    )
    NAMESPACE = "namespace", Invalid, "a namespace that is not there", ""
    PATH = "path", Invalid, "a path that is not there", ""
    AUTH = (
        *("auth", Invalid, "a client whose auth is no object"),
        'auth: {"token": "…"} in the client',
    )

    def __init__(self, label: str, error: type[HearthError], what: str, admitted_by: str) -> None:
        self.label = label
        self.error = error
        self.what = what
        self.admitted_by = admitted_by


class Refusal(Exception):
    """A refusal of one request or connection.

    Args:
        message: one sentence for the client; none: that of the reason's error.
        admitted_by: what would admit it, where that is more than its reason says.
        retry_after: seconds after which it may be let in.
        details: further fields of the log line: no token, query or password.
    """

    def __init__(
        self,
        reason: Refused,
        message: str | None = None,
        *,
        admitted_by: str | None = None,
        retry_after: float | None = None,
        **details: str,
    ) -> None:
        super().__init__(reason.label)
        self.reason = reason
        self.error = reason.error(message, retry_after=retry_after)
        self.admitted_by = reason.admitted_by if admitted_by is None else admitted_by
        self.details: Mapping[str, str] = details

    @classmethod
    def of(cls, error: HearthError, **details: str) -> Refusal | None:
        """Return the refusal that an error is; None for one that lies not with the client."""
        for known, reason in _BY_ERROR:
            if isinstance(error, known):
                admitted_by = None
                if isinstance(error, WrongClaim | AgentRateLimited):
                    admitted_by = error.admitted_by
                if isinstance(error, OverQuota):
                    details |= {"whose": error.whose}
                return cls(
                    reason,
                    error.message,
                    admitted_by=admitted_by,
                    retry_after=error.retry_after,
                    error=error.message,
                    **details,
                )
        return None


_BY_ERROR: Final[tuple[tuple[type[HearthError], Refused], ...]] = (
    (NoToken, Refused.NO_TOKEN),
    (Unauthorized, Refused.TOKEN),
    (TokenExpired, Refused.TOKEN_EXPIRED),
    (TooManyChannels, Refused.CHANNELS),
    (Forbidden, Refused.FORBIDDEN),
    (TooLarge, Refused.TOO_LARGE),
    (TooManyConnections, Refused.CONNECTIONS),
    (TooManyFromAddress, Refused.ADDRESS),
    (TooManyRequests, Refused.IDENTITY_RATE),
    (RateLimited, Refused.RATE),
    (Invalid, Refused.REQUEST),
)
