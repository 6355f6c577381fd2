"""From what a client brings to an identity (contract §5)."""

from __future__ import annotations

import secrets
import time
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import parse_qs

import jwt
import structlog
from jwt.warnings import InsecureKeyLengthWarning

from app.core.clock import LATEST
from app.core.errors import TokenExpired, Unauthorized
from app.core.identity import ID_PATTERN, KINDS, Grant, Identity, Kind, parse_grants
from app.settings import Settings

log = structlog.get_logger("hearth.auth")

ALGORITHM: Final = "HS256"
REMEMBERED_TOKENS: Final = 4096
# In development everybody may do everything already; this only lets one be somebody in particular.
DEVELOPMENT_SECRET: Final = "hearth-development-only-admits-everybody"  # noqa: S105
DEVELOPMENT_GRANTS: Final = (Grant("*", "*", "rw"),)

# The start says once that a secret is short (`app/__main__.py`); not again with every token.
warnings.filterwarnings("ignore", category=InsecureKeyLengthWarning)


def find_token(environ: Mapping[str, Any], auth: Any) -> str | None:
    """Return the token that a handshake carries, or None.

    Looked for in `auth.token`, then `?token=` or `?access_token=`, then `Authorization: Bearer`.

    Args:
        environ: the handshake request, as WSGI has it.
        auth: what the Socket.IO CONNECT packet holds.

    Raises:
        Unauthorized: `auth.token` isn't text.
    """
    token: object = auth.get("token") if isinstance(auth, Mapping) else None
    if token is not None:
        if not isinstance(token, str):
            raise Unauthorized("auth.token must be text.")
        return token or None
    query: dict[str, list[str]] = parse_qs(environ.get("QUERY_STRING", ""))
    for name in ("token", "access_token"):
        if name in query:
            return query[name][0]
    header: str = environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, credentials = header.partition(" ")
    return credentials.strip() or None if scheme.lower() == "bearer" else None


class Authenticator:
    """Turn tokens into identities.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._secret = settings.auth_secret or DEVELOPMENT_SECRET
        self._clock = clock
        # A client that comes back brings the same token: thousands may, at the same time.
        self._proved = lru_cache(maxsize=REMEMBERED_TOKENS)(self._prove)

    def identify(self, token: str | None, claimed: str | None = None) -> Identity:
        """Return who brings `token`.

        Args:
            claimed: whom a path names: in development mode who proves nothing is that user.

        Raises:
            Unauthorized: there is no token and strangers aren't let in, or it proves nothing.
            TokenExpired: it has ended.
        """
        if self._settings.development:
            try:
                return self.verify(token) if token else _development_identity(claimed)
            except (Unauthorized, TokenExpired) as error:
                log.info("admitted a bad token, for this is development mode", reason=error.message)
                return _development_identity(claimed)
        if token is not None:
            return self.verify(token)
        if self._settings.anonymous_grants:
            name = f"anonymous-{secrets.token_hex(8)}"
            return Identity(name, "user", self._settings.anonymous_grants, stranger=True)
        raise Unauthorized

    def verify(self, token: str) -> Identity:
        """Return whom `token` proves. Raises as `identify` does."""
        identity = self._proved(token)
        if identity.expires_at is not None and identity.expires_at <= self._clock():
            raise TokenExpired
        return identity

    def _prove(self, token: str) -> Identity:
        """Return whom `token` proves, or has proved until it ended."""
        settings = self._settings
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                issuer=settings.auth_issuer,
                audience=settings.auth_audience,
                # `exp` is compared below: by our clock.
                options={
                    "require": ["sub"],
                    "verify_exp": False,
                    "verify_aud": settings.auth_audience is not None,
                },
            )
        except (jwt.InvalidTokenError, UnicodeError):
            # Why it failed would help who guesses more than who errs.
            raise Unauthorized("The token is not valid.") from None
        return _identity(claims)


def make_token(secret: str, identity: Identity, **claims: Any) -> str:
    """Return a token that proves `identity`.

    Args:
        claims: further claims, such as `iss` and `aud`.
    """
    claims |= {
        "sub": identity.id,
        "kind": identity.kind,
        "grants": [str(grant) for grant in identity.grants],
    }
    if identity.expires_at is not None:
        claims["exp"] = int(identity.expires_at)
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def _identity(claims: Mapping[str, Any]) -> Identity:
    subject, kind = claims["sub"], claims.get("kind", "user")
    if not isinstance(subject, str) or not ID_PATTERN.fullmatch(subject):
        raise Unauthorized("The token's sub is not 1 to 120 characters of A-Z a-z 0-9 _ . : / -")
    if not isinstance(kind, str) or kind not in KINDS:
        raise Unauthorized(f"The token's kind is not one of {', '.join(sorted(KINDS))}.")
    grants, expires_at = claims.get("grants", []), claims.get("exp")
    if not isinstance(grants, list) or not all(isinstance(grant, str) for grant in grants):
        raise Unauthorized("The token's grants are not a list of strings.")
    if expires_at is not None and (
        isinstance(expires_at, bool)
        or not isinstance(expires_at, int | float)
        or not 0 <= expires_at <= LATEST
    ):
        raise Unauthorized("The token's exp is not a number of seconds since 1970.")
    try:
        return Identity(subject, cast(Kind, kind), parse_grants(grants), expires_at)
    except ValueError as error:
        raise Unauthorized(f"A grant of the token is {error}") from None


def _development_identity(claimed: str | None) -> Identity:
    return Identity(claimed or "developer", "user", DEVELOPMENT_GRANTS)
