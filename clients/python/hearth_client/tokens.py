"""Where the token comes from, and when it ends."""

from __future__ import annotations

import base64
import inspect
import json
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

#: A token, or who to ask for one at each connect and before the last one ends.
Token = str | Callable[[], str | Awaitable[str]] | None

# Between two attempts to get a fresh token, in seconds.
LEAST_WAIT_SECONDS: Final = 0.25


class Tokens:
    """Who is asked for tokens."""

    def __init__(self, token: Token) -> None:
        self._token = token
        self.renewable = callable(token)

    async def ask(self) -> str:
        """Return the token to show now; what a callable raises goes through."""
        if not callable(self._token):
            return self._token or ""
        given = self._token()
        return await given if inspect.isawaitable(given) else given


def expires_at(token: str) -> float | None:
    """Return when a JWT ends, in seconds since 1970; None if it doesn't say.

    Nothing is verified: it is our own token, and the server decides.
    """
    try:
        payload = token.split(".")[1]
        claims: Any = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (ValueError, LookupError, TypeError):
        return None


def renew_after(token: str, now: float) -> float | None:
    """Return in how many seconds to bring a fresh token; None: never.

    That is a minute before the token ends, or a quarter of what is left if that is less.

    Args:
        now: by the server's clock, whose word counts, in seconds since 1970.
    """
    ends = expires_at(token)
    if ends is None:
        return None
    left = ends - now
    return max(LEAST_WAIT_SECONDS, left - min(60.0, left / 4))


def seconds_ahead(server_time: str) -> float:
    """Return how far the server's clock, which shows this at this moment, is ahead of ours."""
    return datetime.fromisoformat(server_time).timestamp() - time.time()
