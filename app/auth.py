"""Authentication: tokens to identities (docs/protocol.md, "Identity and permission")."""

from __future__ import annotations

import secrets
import time
import warnings
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import parse_qs

import jwt
import structlog
from jwt.exceptions import InvalidJTIError, InvalidSubjectError
from jwt.warnings import InsecureKeyLengthWarning

from app.core.channel import id_problem
from app.core.clock import LATEST
from app.core.errors import NoToken, TokenExpired, Unauthorized, WrongClaim
from app.core.identity import (
    KINDS,
    Grant,
    Identity,
    Kind,
    parse_grants,
    run_together,
    unknown_namespaces,
)
from app.core.subprotocol import read_offered
from app.settings import Settings

log = structlog.get_logger("hearth.auth")

ALGORITHM: Final = "HS256"
#: Bytes of the largest token: what would be more has more headers than a request may have.
MAX_TOKEN_BYTES: Final = 16_384
CACHED_TOKENS: Final = 4096
#: Larger tokens are not among them: so they are at most 8 MB.
CACHED_TOKEN_BYTES: Final = 2048
TOLD_GRANTS: Final = 100
# In development mode everybody has all rights; a token only chooses an identity.
DEVELOPMENT_SECRET: Final = "hearth-development-only-admits-everybody"  # noqa: S105
DEVELOPMENT_GRANTS: Final = (Grant("*", "*", "rw"),)

# Why a signature is not valid would help those who guess tokens more than those who made a mistake.
NOT_VALID: Final = "The token is not valid."
# `app/start_warnings.py` warns of a short secret at start; PyJWT would with every token.
warnings.filterwarnings("ignore", category=InsecureKeyLengthWarning)


def find_token(environ: Mapping[str, Any], auth: Any) -> str | None:
    """Return the token of a handshake, or None.

    It is the first of `auth.token`, `Authorization: Bearer`, a subprotocol of the WebSocket, and
    `?token=` or `?access_token=`, good or bad.

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
    header: str = environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() == "bearer" and (brought := credentials.strip()):
        return brought
    offered = read_offered(environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", ""))
    if offered.token is not None:
        return offered.token
    query: dict[str, list[str]] = parse_qs(environ.get("QUERY_STRING", ""))
    for name in ("token", "access_token"):
        if name in query:
            return query[name][0]
    return None


class Authenticator:
    """Verifies tokens, and returns their identities.

    Args:
        clock: seconds since 1970.
        namespaces: what grants may name; a token whose grant names another is told of, once.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.time,
        namespaces: Collection[str] = (),
    ) -> None:
        self._settings = settings
        self._namespaces = namespaces
        self._told: set[str] = set()
        self._secret = settings.auth_secret or DEVELOPMENT_SECRET
        #: Anybody's on a developer's machine.
        self._all_rights = settings.local
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
            return self._identify_developer(token, claimed)
        if token is not None:
            return self.verify(token)
        if self._settings.anonymous_grants:
            name = f"anonymous-{secrets.token_hex(8)}"
            return Identity(name, "user", self._settings.anonymous_grants, stranger=True)
        raise NoToken

    def _identify_developer(self, token: str | None, claimed: str | None) -> Identity:
        try:
            return self.verify(token) if token else self._developer(claimed)
        except (Unauthorized, TokenExpired) as error:
            log.info("admitted a bad token, for this is development mode", reason=error.message)
            return self._developer(claimed)

    def _developer(self, claimed: str | None) -> Identity:
        name = claimed or "developer"
        return Identity(name, "user", DEVELOPMENT_GRANTS, all_rights=self._all_rights)

    def verify(self, token: str) -> Identity:
        """Return the identity that a token proves. Raises as `identify` does."""
        if len(token) > MAX_TOKEN_BYTES:
            raise Unauthorized(f"The token is larger than {MAX_TOKEN_BYTES} bytes.")
        decode = self._decode_cached if len(token) <= CACHED_TOKEN_BYTES else self._decode
        identity = decode(token)
        if identity.ends_at is not None and identity.ends_at <= self._clock():
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
                # `exp` is for `verify` to check, and all three are checked by our clock.
                options={
                    "require": ["sub"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "verify_aud": settings.auth_audience is not None,
                },
            )
        except jwt.InvalidTokenError as error:
            raise _refused(error) from None
        except UnicodeError:
            raise Unauthorized(NOT_VALID) from None
        latest_start = self._clock() + settings.auth_leeway_seconds
        for claim in ("iat", "nbf"):
            if (_instant(claims, claim) or 0) > latest_start:
                problem = f"The token's {claim} is in the future: its issuer's clock is ahead."
                raise WrongClaim(problem, "AUTH_LEEWAY_SECONDS")
        identity = self._identity(claims)
        self._tell_of_odd_grants(identity)
        return identity

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        subject, kind = _subject(claims), _kind(claims)
        grants = claims.get("grants")
        if "grants" not in claims:
            user_grants = self._settings.user_grants if kind == "user" else ()
            parsed = tuple(grant.of(subject) for grant in user_grants)
        elif isinstance(grants, list) and all(isinstance(grant, str) for grant in grants):
            try:
                parsed = parse_grants(grants)
            except ValueError as error:
                raise WrongClaim(f"A grant of the token is {error}") from None
        else:
            raise WrongClaim("The token's grants are not a list of strings.")
        return Identity(
            subject,
            kind,
            parsed,
            _instant(claims, "exp"),
            agent_id=_agent_id(claims) if kind == "agent" else None,
            leeway=self._settings.auth_leeway_seconds,
            all_rights=self._all_rights,
        )

    def _tell_of_odd_grants(self, identity: Identity) -> None:
        for grant in unknown_namespaces(identity.grants, self._namespaces):
            event = "a token's grant names a namespace that isn't there"
            there = ", ".join(name.strip("/") for name in self._namespaces)
            self._tell_once(grant.namespace, event, grant, identity, namespaces=there)
        for grant in run_together(identity.grants):
            event = "a token's grant looks like several in one text: each is an item of the list"
            self._tell_once(str(grant), event, grant, identity)

    def _tell_once(
        self, key: str, event: str, grant: Grant, identity: Identity, **facts: str
    ) -> None:
        if key not in self._told and len(self._told) < TOLD_GRANTS:
            self._told.add(key)
            log.warning(event, grant=str(grant), sub=identity.id, **facts)


def make_token(secret: str, identity: Identity, *, with_grants: bool = True, **claims: Any) -> str:
    """Return a token that proves `identity`.

    Args:
        secret: the HS256 key.
        with_grants: whether it says what it grants; else a user has those of `USER_GRANTS`.
        claims: further claims, such as `iss` and `aud`.
    """
    claims |= {"sub": identity.id, "kind": identity.kind}
    if with_grants:
        claims["grants"] = [str(grant) for grant in identity.grants]
    if identity.expires_at is not None:
        claims["exp"] = int(identity.expires_at)
    if identity.agent_id is not None:
        claims["agent_id"] = identity.agent_id
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def _refused(error: jwt.InvalidTokenError) -> Unauthorized:
    """Return what is told about a token; what is found after its signature helps its issuer."""
    match error:
        case jwt.MissingRequiredClaimError():
            settings = {"iss": "AUTH_ISSUER", "aud": "AUTH_AUDIENCE"}
            problem = f"The token has no {error.claim}."
            return WrongClaim(problem, settings.get(error.claim, "its issuer"))
        case jwt.InvalidIssuerError():
            return WrongClaim("The token's iss is not this server's AUTH_ISSUER.", "AUTH_ISSUER")
        case jwt.InvalidAudienceError():
            return WrongClaim("The token's aud lacks this server's AUTH_AUDIENCE.", "AUTH_AUDIENCE")
        case InvalidSubjectError() | InvalidJTIError():
            return WrongClaim("The token's sub or jti is not text.")
        case _:
            return Unauthorized(NOT_VALID)


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims["sub"]
    if not isinstance(subject, str):
        raise WrongClaim("The token's sub is not text.")
    if (problem := id_problem(subject)) is not None:
        raise WrongClaim(f"The token's sub can't be an id: {problem}")
    return subject


def _kind(claims: Mapping[str, Any]) -> Kind:
    kind = claims.get("kind", "user")  # identity providers know no kinds
    if not isinstance(kind, str) or kind not in KINDS:
        raise WrongClaim(f"The token's kind is not one of {', '.join(sorted(KINDS))}.")
    return cast(Kind, kind)


def _instant(claims: Mapping[str, Any], claim: str) -> float | None:
    instant: float | None = claims.get(claim)
    if instant is None:
        return None
    is_number = isinstance(instant, int | float) and not isinstance(instant, bool)
    if not (is_number and 0 <= instant <= LATEST):
        raise WrongClaim(f"The token's {claim} is not a number of seconds since 1970.")
    return instant


def _agent_id(claims: Mapping[str, Any]) -> int | str | None:
    agent_id = claims.get("agent_id")
    if agent_id is None:
        return None
    if isinstance(agent_id, bool) or not isinstance(agent_id, int | str) or agent_id == "":
        raise WrongClaim("The token's agent_id is not an integer or text.")
    return agent_id
