"""Authenticators of the test's own, and tokens that they believe."""

from __future__ import annotations

from typing import Any

import jwt

from app.auth import Authenticator
from app.core.identity import Identity, parse_grants
from app.settings import Settings
from tests.support.clock import START, SettableClock

SECRET = "a secret of the tests, which is long enough for HS256 and for HS512 as well"
ALICE = Identity("alice", "user", parse_grants(["circles:dev-*:rw", "*:*:r"]), START + 600)


def authenticator(clock: SettableClock, **settings: Any) -> Authenticator:
    """Return one with these settings, whose time is `clock`'s."""
    return Authenticator(
        Settings(**{"auth_secret": SECRET, "auth_mode": "required"} | settings), clock
    )


def token_of(claims: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256") -> str:
    """Return a token with these claims, of alice unless they say whose."""
    return jwt.encode({"sub": "alice"} | claims, secret, algorithm=algorithm)
