"""The exceptions.

HearthError       a request failed; `code` says why
InvalidArgument   a program gave what can't be used: `invalid`, and a ValueError too
ConnectionLost    inside this package only: the request may have been handled, or not
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

# For this library's own errors, and for servers that don't send `temporary`.
_TEMPORARY: Final = frozenset({"rate_limited", "unavailable", "internal", "timeout"})
# What proxies say of a server that is overloaded, restarting or not there yet.
_TEMPORARY_STATUSES: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_REASON: Final = 200


class HearthError(Exception):
    """A request failed.

    Args:
        code: one of the protocol (`invalid`, `unauthorized`, `token_expired`, `forbidden`,
            `too_large`, `rate_limited`, `unavailable`, `internal`) or of this library: `timeout`
            if there was no answer in time, `closed` if the channel or the client was closed
            meanwhile, `refused` if what answers at the server's address isn't Hearth.
        message: one sentence for a human.
        fields: dotted path of each offending field → what is wrong with it.
        retry_after: seconds after which the same request may succeed.
        temporary: whether the same request may succeed another time; None: derived from `code`.
        reason: what a connection is refused for, as far as the server says: `host`, `files`, …; the
            code, where what was refused is the token or the namespace. None: it was a request.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        fields: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        temporary: bool | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.fields = dict(fields or {})
        self.retry_after = retry_after
        self.temporary = code in _TEMPORARY if temporary is None else temporary
        self.reason = reason

    def __str__(self) -> str:
        told = self.message  # servers say there what is wrong with the first field
        fields = "".join(
            f" {path or 'it'}: {wrong}" for path, wrong in self.fields.items() if wrong not in told
        )
        refused = "refused: " if self.reason else ""
        if self.reason and self.reason != self.code:
            refused += f"{self.reason}, "
        return f"{refused}{self.code}: {self.message}{fields}"

    @classmethod
    def from_wire(cls, error: Any) -> HearthError:
        """Return the error of the server's error object, also of a malformed one."""
        if not isinstance(error, dict) or "code" not in error:
            return cls("internal", f"The server answered {error!r}.")
        return cls(
            str(error["code"]),
            str(error.get("message", "")),
            fields=error.get("fields"),
            retry_after=error.get("retry_after"),
            temporary=error.get("temporary"),
            reason=error.get("reason"),
        )


class InvalidArgument(HearthError, ValueError):
    """A program gave what can't be used; for `except ValueError` too, as Python's own do."""

    def __init__(self, message: str) -> None:
        super().__init__("invalid", message)


class ConnectionLost(Exception):
    """The connection was lost before there was an answer."""


def refused_by(address: str, status: int, body: bytes) -> HearthError:
    """Return the error of an HTTP answer that opens no connection.

    Args:
        address: what was asked.
    """
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    if isinstance(told, dict) and isinstance(told.get("error"), dict):
        return HearthError.from_wire(told["error"])
    said = told.get("message") if isinstance(told, dict) else None
    if said is None and b"<" not in body:  # a page says nothing to people who read logs
        said = body.decode(errors="replace").strip()[:_LONGEST_REASON]
    says = f"HTTP {status}{f' ({said})' if said else ''}"
    if status in _TEMPORARY_STATUSES:
        return HearthError("refused", f"{address} answers {says}.", temporary=True)
    return stranger(address, f"says {says}")


def stranger(address: str, does: str) -> HearthError:
    """Return the error of what answers at an address, and is something else.

    Args:
        does: how one can tell, as `says HTTP 404`.
    """
    return HearthError("refused", f"What answers at {address} is not Hearth, and {does}.")


def closed() -> HearthError:
    """Return the error of requests that are pending when their channel is closed."""
    return HearthError("closed", "It was closed.")
