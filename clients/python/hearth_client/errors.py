"""What is raised.

HearthError       a request failed; `code` says how
ConnectionLost    inside this package only: the request may have been handled, or not
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: Failures that may be over in a moment; requests are tried again after them.
TRANSIENT: Final = frozenset({"unavailable", "rate_limited"})

#: Failures that would be the same another time.
FINAL: Final = frozenset({"unauthorized", "forbidden", "invalid", "too_large"})


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
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        fields: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.fields = dict(fields or {})
        self.retry_after = retry_after

    def __str__(self) -> str:
        fields = "".join(f" {path or 'it'}: {wrong}" for path, wrong in self.fields.items())
        return f"{self.code}: {self.message}{fields}"

    @classmethod
    def from_wire(cls, error: Any) -> HearthError:
        """Return what the server's error object says, whatever it looks like."""
        if not isinstance(error, dict) or "code" not in error:
            return cls("internal", f"The server answered {error!r}.")
        message = str(error.get("message", ""))
        return cls(str(error["code"]), message, error.get("fields"), error.get("retry_after"))


class ConnectionLost(Exception):
    """The connection ended before there was an answer."""


def closed() -> HearthError:
    """Return what is raised out of requests that were under way when their channel was closed."""
    return HearthError("closed", "It was closed.")
