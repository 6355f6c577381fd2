"""Settings from the environment, checked once, at start.

`.env` in the working directory is read too; variables of the environment win over it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from environs import Env, EnvError, ValidationError

from app.core.identity import Grant, parse_grants
from app.origins import AllowedOrigins, is_loopback

_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")

AuthMode = Literal["required", "none"]


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says how to fix it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, with units and defaults; a name in capitals is its environment variable.

    Args:
        host, port: where the server listens; port 0 takes any free one.
        redis_url: `redis://`, `rediss://` or `redis+sentinel://`; None: one process, in memory.
        hearth_prefix: prefix of every Redis key and channel of Hearth.
        emit_channel: Redis channel of the stock managers.
        auth_secret: HS256 key, which should have at least 32 bytes (RFC 7518 §3.2).
        auth_issuer, auth_audience: what `iss` and `aud` must be; None: not checked.
        auth_mode: `none` admits everybody as the development identity.
        anonymous_grants: grants of connections without a token; empty: they are refused.
        allowed_origins: origins of pages that may connect; empty: the page's own only.
        history_size: messages kept per channel; 0 keeps none.
        history_seconds: seconds each is kept; 0 sets no age.
        recovery_seconds: seconds in which a dropped connection can be restored; 0: never.
        max_message_bytes: largest message that is received, in bytes.
        max_unsent_bytes: unsent bytes past which a connection is a slow consumer, and cut off.
        messages_per_second: a connection's rate, with bursts of twice that; 0 sets no limit.
        ping_seconds, ping_timeout_seconds: seconds between pings, and that an answer may take.
        log_format: `console`, `json`, or `auto`: console on a terminal.
        log_level: `debug`, `info`, `warning` or `error`.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    redis_url: str | None = None
    hearth_prefix: str = "hearth"
    emit_channel: str = "socketio"
    auth_secret: str | None = None
    auth_issuer: str | None = None
    auth_audience: str | None = None
    auth_mode: AuthMode = "none"
    anonymous_grants: tuple[Grant, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    history_size: int = 1000
    history_seconds: float = 86_400
    recovery_seconds: float = 120
    max_message_bytes: int = 1_000_000
    max_unsent_bytes: int = 1_048_576
    messages_per_second: float = 100
    ping_seconds: float = 25
    ping_timeout_seconds: float = 20
    log_format: Literal["auto", "console", "json"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def development(self) -> bool:
        """Whether this is development mode, in which everybody is admitted."""
        return self.auth_mode == "none"

    @property
    def local(self) -> bool:
        """Whether this is development mode for this machine alone."""
        return self.development and is_loopback(self.host)


def load_settings(env_file: str | None = ".env") -> Settings:
    """Return the settings of the environment.

    Raises:
        SettingsError: a variable is wrong, or the server would be open to strangers.
    """
    env = Env()
    if env_file is not None:
        env.read_env(env_file, recurse=False)
    try:
        settings = _read(env)
    except EnvError as error:
        raise SettingsError(re.sub(r"\['(.*)'\]", r"\1", str(error))) from None
    _refuse_open_server(settings, insisted=_optional(env, "AUTH_MODE") is not None)
    return settings


def _read(env: Env) -> Settings:
    secret = _optional(env, "AUTH_SECRET")
    if _optional(env, "AUTH_JWKS") is not None:
        raise EnvError(
            'Environment variable "AUTH_JWKS" invalid: not supported yet; AUTH_SECRET is'
        )
    return Settings(
        host=env.str("HOST", "127.0.0.1"),
        port=env.int("PORT", 8000, validate=_between(0, 65_535)),
        redis_url=_redis_url(env),
        hearth_prefix=_name(env, "HEARTH_PREFIX", "hearth"),
        emit_channel=_optional(env, "EMIT_CHANNEL") or "socketio",
        auth_secret=secret,
        auth_issuer=_optional(env, "AUTH_ISSUER"),
        auth_audience=_optional(env, "AUTH_AUDIENCE"),
        auth_mode=_one_of(env, "AUTH_MODE", "required" if secret else "none", "required", "none"),
        anonymous_grants=_grants(env, "ANONYMOUS_GRANTS"),
        allowed_origins=_origins(env, "ALLOWED_ORIGINS"),
        history_size=env.int("HISTORY_SIZE", 1000, validate=_between(0, 1_000_000)),
        history_seconds=env.float("HISTORY_SECONDS", 86_400, validate=_between(0)),
        recovery_seconds=env.float("RECOVERY_SECONDS", 120, validate=_between(0, 86_400)),
        max_message_bytes=env.int("MAX_MESSAGE_BYTES", 1_000_000, validate=_between(1024)),
        max_unsent_bytes=env.int("MAX_UNSENT_BYTES", 1_048_576, validate=_between(65_536)),
        messages_per_second=env.float("MESSAGES_PER_SECOND", 100, validate=_between(0)),
        ping_seconds=env.float("PING_SECONDS", 25, validate=_between(0.1)),
        ping_timeout_seconds=env.float("PING_TIMEOUT_SECONDS", 20, validate=_between(0.1)),
        log_format=_one_of(env, "LOG_FORMAT", "auto", "auto", "console", "json"),
        log_level=_one_of(env, "LOG_LEVEL", "info", "debug", "info", "warning", "error"),
    )


def _refuse_open_server(settings: Settings, *, insisted: bool) -> None:
    if settings.auth_mode == "required" and settings.auth_secret is None:
        raise SettingsError('Environment variable "AUTH_MODE" is required, so set AUTH_SECRET too')
    if settings.development and not insisted and not is_loopback(settings.host):
        raise SettingsError(
            f'Environment variable "HOST" is {settings.host}, which others can reach, and no '
            "AUTH_SECRET is set: set it, or AUTH_MODE=none to let everybody in"
        )


def _optional(env: Env, name: str) -> str | None:
    return env.str(name, None) or None


def _list(env: Env, name: str) -> list[str]:
    return [text.strip() for text in (env.str(name, None) or "").split(",") if text.strip()]


def _between(minimum: float, maximum: float | None = None) -> Callable[[float], None]:
    def check(value: float) -> None:
        # "not >=" rather than "<": NaN is neither.
        if not value >= minimum or value == float("inf"):
            raise ValidationError(f"must be at least {minimum:g}")
        if maximum is not None and value > maximum:
            raise ValidationError(f"must be at most {maximum:g}")

    return check


def _one_of(env: Env, name: str, default: str, *choices: str) -> Any:
    value = (env.str(name, default) or default).lower()
    if value not in choices:
        raise EnvError(f'Environment variable "{name}" invalid: one of {", ".join(choices)}')
    return value


def _name(env: Env, name: str, default: str) -> str:
    value = _optional(env, name) or default
    if not _NAME.fullmatch(value):
        raise EnvError(
            f'Environment variable "{name}" invalid: 1 to 64 characters of A-Z a-z 0-9 _ . : -'
        )
    return value


def _redis_url(env: Env) -> str | None:
    url = _optional(env, "REDIS_URL")
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"redis", "rediss", "redis+sentinel", "unix"}
        if parts.scheme in {"redis", "rediss"}:
            valid = valid and parts.port != 0  # raises if it is not a number
    except ValueError:
        valid = False
    if not valid:
        # It may hold a password, so it isn't shown.
        raise EnvError(
            'Environment variable "REDIS_URL" invalid: not like redis://localhost:6379/0'
        )
    return url


def _grants(env: Env, name: str) -> tuple[Grant, ...]:
    try:
        return parse_grants(_list(env, name))
    except ValueError as error:
        raise EnvError(f'Environment variable "{name}" invalid: {error}') from None


def _origins(env: Env, name: str) -> tuple[str, ...]:
    # `file://` is one.
    origins = tuple(text if text.endswith("://") else text.rstrip("/") for text in _list(env, name))
    try:
        AllowedOrigins(origins)
    except ValueError as error:
        raise EnvError(f'Environment variable "{name}" invalid: {error}') from None
    return origins
