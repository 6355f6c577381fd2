"""Tokens: where they come from, and when they expire."""

from __future__ import annotations

import base64
import inspect
import json
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

#: A token, or a function that returns one, at each connect and before the last one expires.
Token = str | Callable[[], str | Awaitable[str]] | None

# Between two attempts to get a fresh token, in seconds.
LEAST_WAIT_SECONDS: Final = 0.25


class Tokens:
    """The source of tokens."""

    def __init__(self, token: Token) -> None:
        self._token = token
        self.renewable = callable(token)

    async def ask(self) -> str:
        """Return the token to use now. Raises what the function raises."""
        if not callable(self._token):
            return self._token or ""
        given = self._token()
        return await given if inspect.isawaitable(given) else given


def expires_at(token: str) -> float | None:
    """Return when a JWT expires, in seconds since 1970; None if it doesn't say.

    Nothing is verified: it is our own token, and the server decides.
    """
    try:
        payload = token.split(".")[1]
        claims: Any = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (ValueError, LookupError, TypeError):
        return None


def renew_after(token: str, now: float) -> float | None:
    """Return in how many seconds to authenticate with a fresh token; None: never.

    That is a minute before the token expires, or a quarter of the rest if that is less.

    Args:
        now: seconds since 1970 by the server's clock, which decides.
    """
    ends = expires_at(token)
    if ends is None:
        return None
    left = ends - now
    return max(LEAST_WAIT_SECONDS, left - min(60.0, left / 4))


def seconds_ahead(server_time: str) -> float:
    """Return by how much the server's clock, now at `server_time`, is ahead of ours."""
    return datetime.fromisoformat(server_time).timestamp() - time.time()
