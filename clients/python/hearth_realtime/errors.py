"""The exceptions.

HearthError       a request failed; `code` says why
ConnectionLost    inside this package only: the request may have been handled, or not
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# For this library's own errors, and for servers that don't send `temporary`.
_TEMPORARY: Final = frozenset({"rate_limited", "unavailable", "internal", "timeout"})


class HearthError(Exception):
    """A request failed.

    Args:
        code: one of the protocol (`invalid`, `unauthorized`, `token_expired`, `forbidden`,
            `too_large`, `rate_limited`, `unavailable`, `internal`) or of this library: `timeout`
            if there was no answer in time, and `closed` if the channel or the client was closed
            meanwhile.
        message: one sentence for a human.
        fields: dotted path of each offending field → what is wrong with it.
        retry_after: seconds after which the same request may succeed.
        temporary: whether the same request may succeed another time; None: derived from `code`.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        fields: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        temporary: bool | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.fields = dict(fields or {})
        self.retry_after = retry_after
        self.temporary = code in _TEMPORARY if temporary is None else temporary

    def __str__(self) -> str:
        fields = "".join(f" {path or 'it'}: {wrong}" for path, wrong in self.fields.items())
        return f"{self.code}: {self.message}{fields}"

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
        )


class ConnectionLost(Exception):
    """The connection was lost before there was an answer."""


def closed() -> HearthError:
    """Return the error of requests that are pending when their channel is closed."""
    return HearthError("closed", "It was closed.")
