"""Authentication: tokens to identities (docs/protocol.md, "Identity and permission")."""

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

from app.core.channel import id_problem
from app.core.clock import LATEST
from app.core.errors import TokenExpired, Unauthorized
from app.core.identity import KINDS, Grant, Identity, Kind, parse_grants
from app.settings import Settings

log = structlog.get_logger("hearth.auth")

ALGORITHM: Final = "HS256"
CACHED_TOKENS: Final = 4096
# In development mode everybody has all rights; a token only chooses an identity.
DEVELOPMENT_SECRET: Final = "hearth-development-only-admits-everybody"  # noqa: S105
DEVELOPMENT_GRANTS: Final = (Grant("*", "*", "rw"),)

# `app/__main__.py` warns of a short secret at start; PyJWT would with every token.
warnings.filterwarnings("ignore", category=InsecureKeyLengthWarning)


def find_token(environ: Mapping[str, Any], auth: Any) -> str | None:
    """Return the token of a handshake, or None.

    It is `auth.token`, else `?token=` or `?access_token=`, else `Authorization: Bearer`.

    Args:
        environ: the WSGI environment of the handshake.
        auth: the payload of the Socket.IO CONNECT packet.

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
    """Verifies tokens, and returns their identities.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._secret = settings.auth_secret or DEVELOPMENT_SECRET
        self._clock = clock
        # Clients that come back bring the same token, and thousands may come back at once.
        self._decode_cached = lru_cache(maxsize=CACHED_TOKENS)(self._decode)

    def identify(self, token: str | None, claimed: str | None = None) -> Identity:
        """Return the identity of a token, or of a connection without one.

        Args:
            claimed: the user that the path names, if any; in development mode a connection without
                a valid token is that user.

        Raises:
            Unauthorized: there is no token and strangers aren't admitted, or it is not valid.
            TokenExpired: the token has expired.
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
        """Return the identity that a token proves. Raises as `identify` does."""
        identity = self._decode_cached(token)
        if identity.expires_at is not None and identity.expires_at <= self._clock():
            raise TokenExpired
        return identity

    def _decode(self, token: str) -> Identity:
        """Return the identity that a token proves, also if it has expired."""
        settings = self._settings
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                issuer=settings.auth_issuer,
                audience=settings.auth_audience,
                # `verify` checks `exp`, by our clock.
                options={
                    "require": ["sub"],
                    "verify_exp": False,
                    "verify_aud": settings.auth_audience is not None,
                },
            )
        except (jwt.InvalidTokenError, UnicodeError):
            # The reason would help those who guess tokens more than those who made a mistake.
            raise Unauthorized("The token is not valid.") from None
        return _identity(claims)


def make_token(secret: str, identity: Identity, **claims: Any) -> str:
    """Return a token that proves `identity`.

    Args:
        secret: the HS256 key.
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
    if not isinstance(subject, str):
        raise Unauthorized("The token's sub is not text.")
    if (problem := id_problem(subject)) is not None:
        raise Unauthorized(f"The token's sub can't be an id: {problem}")
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
