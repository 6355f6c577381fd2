"""What is raised.

HearthError       a request failed; `code` says how
ConnectionLost    inside this package only: the request may have been handled, or not
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# Of this library's own errors, and of servers that don't say which are temporary.
_TEMPORARY: Final = frozenset({"rate_limited", "unavailable", "internal", "timeout"})


class HearthError(Exception):
    """A request failed.

    Args:
        code: as the protocol's table has them (`invalid`, `unauthorized`, `token_expired`,
            `forbidden`, `too_large`, `rate_limited`, `unavailable`, `internal`); and of this
            library's own `timeout`, when nothing was acknowledged in time, and `closed`, when the
            channel or the connection was closed meanwhile.
        message: one sentence for a human.
        fields: dotted path of each offending field → what is wrong with it.
        retry_after: seconds after which the same request may succeed.
        temporary: whether the same request may succeed another time; None: as its code says.
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
        """Return what the server's error object says, whatever it looks like."""
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
    """The connection ended before there was an answer."""


def closed() -> HearthError:
    """Return what is raised out of requests that were under way when their channel was closed."""
    return HearthError("closed", "It was closed.")
