"""Errors: every way in which a request can fail, in one table.

    HearthError
    ├── Invalid         "invalid"        `fields` says which and why
    ├── Unauthorized    "unauthorized"   a token that proves nothing
    │   └── NoToken     "unauthorized"   no token
    ├── TokenExpired    "token_expired"  come back with a fresh token
    ├── Forbidden       "forbidden"      the identity may not do this
    │   └── TooManyChannels "forbidden"  the connection is in as many channels as it may be
    ├── TooLarge        "too_large"      over MAX_MESSAGE_BYTES
    ├── RateLimited     "rate_limited"   temporary; `retry_after` says when to come back
    │   ├── AgentRateLimited "rate_limited"  an agent's or a service's connection
    │   └── OverQuota   "rate_limited"   the identity, or the address, has enough
    │       ├── TooManyConnections, TooManyFromAddress, TooManyRequests
    ├── Unavailable     "unavailable"    temporary; the broker can't be reached
    └── Internal        "internal"       temporary; the log has the details, the client never

What `to_dict` returns is sent to clients as it is, so messages contain no token, path or exception
text; and it is small, whatever has failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from app.core.shown import shown

_MESSAGE_BYTES: Final = 400
#: Of all fields together.
_FIELDS_BYTES: Final = 1000
_NAME_BYTES: Final = 100
_PROBLEM_BYTES: Final = 200


class HearthError(Exception):
    """An error that is sent to the client; of a long text, and of many fields, the beginning.

    `temporary` is whether the same request, with the same token, may succeed later.

    Args:
        message: one sentence for a human.
        fields: dotted path of each offending field → what is wrong with it.
        retry_after: seconds after which the same request may succeed.
    """

    code: ClassVar[str]
    temporary: ClassVar[bool] = False
    default_message: ClassVar[str]

    def __init__(
        self,
        message: str | None = None,
        *,
        fields: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.message = shown(message, _MESSAGE_BYTES) if message else self.default_message
        super().__init__(self.message)
        self.fields = _shown_fields(fields) if fields else None
        self.retry_after = retry_after

    def to_dict(self) -> dict[str, Any]:
        """Return the protocol's error object."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "temporary": self.temporary,
        }
        if self.fields is not None:
            error["fields"] = self.fields
        if self.retry_after is not None:
            error["retry_after"] = self.retry_after
        return error


class Invalid(HearthError):
    code = "invalid"
    default_message = "The request is not valid."


class Unauthorized(HearthError):
    code = "unauthorized"
    default_message = "A valid token is needed."


class NoToken(Unauthorized):
    pass


class WrongClaim(Unauthorized):
    """A token of a right signature has a wrong claim.

    Args:
        admitted_by: the setting that would admit it, or who has to mend it.
    """

    def __init__(self, message: str, admitted_by: str = "its issuer") -> None:
        super().__init__(message)
        self.admitted_by = admitted_by


class TokenExpired(HearthError):
    code = "token_expired"
    default_message = "The token has expired."


class Forbidden(HearthError):
    code = "forbidden"
    default_message = "The token does not permit this."


class TooManyChannels(Forbidden):
    default_message = "This connection is in too many channels."


class TooLarge(HearthError):
    code = "too_large"
    default_message = "The message is too large."


class RateLimited(HearthError):
    code = "rate_limited"
    temporary = True
    default_message = "Too many requests on this connection."


class AgentRateLimited(RateLimited):
    """Of a connection whose identity is an agent or a service."""

    admitted_by: ClassVar[str] = "AGENT_MESSAGES_PER_SECOND"


class OverQuota(RateLimited):
    """An identity, or an address, has all that it may have, over all processes.

    Args:
        whose: the identity or the address, for the log.
    """

    def __init__(self, whose: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(retry_after=retry_after)
        self.whose = whose


class TooManyConnections(OverQuota):
    default_message = "This identity has too many connections."


class TooManyFromAddress(OverQuota):
    default_message = "There are too many connections from this address."


class TooManyRequests(OverQuota):
    default_message = "Too many requests of this identity, on all of its connections together."


class Unavailable(HearthError):
    code = "unavailable"
    temporary = True
    default_message = "The broker can't be reached; nothing was published."


class Internal(HearthError):
    code = "internal"
    temporary = True
    default_message = "The server failed to handle this request."


def _shown_fields(fields: Mapping[str, str]) -> dict[str, str]:
    short: dict[str, str] = {}
    room = _FIELDS_BYTES
    for path, what in fields.items():
        name, problem = shown(path, _NAME_BYTES), shown(what, _PROBLEM_BYTES)
        room -= len(name.encode()) + len(problem.encode())
        if room < 0:
            short["…"] = f"And {len(fields) - len(short):,} more."
            break
        short[name] = problem
    return short
