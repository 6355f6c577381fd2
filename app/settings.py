"""Settings from the environment, checked once, at start.

`.env` in the working directory is read too; variables of the environment win over it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Literal

from dotenv import dotenv_values
from environs import Env, EnvError

from app import variables
from app.core.identity import Grant
from app.core.near_miss import near_miss
from app.core.user_grants import UserGrant
from app.origins import is_loopback
from app.variables import Read, optional

SHORT_SECRET_BYTES: Final = 32  # RFC 7518 §3.2


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says how to fix it."""


def setting(default: Any, read: Read, meaning: str) -> Any:
    """Return the field of a setting; the variable is its name in capitals.

    Args:
        meaning: with its unit, and what zero or nothing means; `python -m app --help` shows it.
    """
    return field(default=default, metadata={"read": read, "meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, with units and defaults; a name in capitals is its environment variable."""

    host: str = setting(
        "127.0.0.1",
        variables.host,
        "address to listen on; ::, for both IPv6 and IPv4; or the path of a Unix socket",
    )
    port: int = setting(
        8000, variables.integer(0, 65_535), "port to listen on; 0 takes any free one"
    )
    redis_url: str | None = setting(
        None,
        variables.redis_url,
        "redis://, rediss://, redis+sentinel:// or unix://; none: one process, in memory",
    )
    hearth_prefix: str = setting(
        "hearth", variables.key_prefix, "prefix of every Redis key and channel of Hearth"
    )
    emit_channel: str = setting(
        "socketio", optional, "Redis channel of python-socketio's stock managers"
    )
    auth_secret: str | None = setting(
        None, variables.secret, "HS256 key of the tokens, 32 bytes or more; none: development mode"
    )
    auth_issuer: str | None = setting(None, optional, "what a token's iss must be; none: anything")
    auth_audience: str | None = setting(
        None, optional, "what a token's aud must be; none: anything"
    )
    auth_mode: Literal["required", "none"] = setting(
        "none",
        variables.choice("required", "none"),
        "none lets everybody in, on any address; required where AUTH_SECRET is set",
    )
    auth_leeway_seconds: float = setting(
        10,
        variables.number(0, 3600),
        "seconds that an issuer's clock may differ when a token begins or ends",
    )
    anonymous_grants: tuple[Grant, ...] = setting(
        (),
        variables.grants,
        "comma-separated grants of connections without a token; none: they are refused",
    )
    user_grants: tuple[UserGrant, ...] = setting(
        (),
        variables.user_grants,
        "comma-separated grants of users whose token has no claim grants; {sub} is their sub",
    )
    allowed_origins: tuple[str, ...] = setting(
        (),
        variables.origins,
        "comma-separated origins of pages that may connect, * admits all; none: the same origin",
    )
    trusted_proxies: tuple[str, ...] = setting(
        (),
        variables.proxies,
        "comma-separated addresses or networks of proxies whose X-Forwarded-For, -Proto and -Host "
        "are believed; private: all private and loopback networks; none: nobody's are",
    )
    history_size: int = setting(
        1000, variables.integer(0, 1_000_000), "messages kept per channel; 0 keeps none"
    )
    history_seconds: float = setting(
        86_400, variables.number(0), "seconds each is kept; 0 sets no age"
    )
    history_bytes: int = setting(
        67_108_864,
        variables.integer(0),
        "bytes that they may have together; 0 sets no bound",
    )
    inbox_bytes: int = setting(
        268_435_456,
        variables.integer(0),
        "bytes of messages that the inbox keeps for workers; 0 sets no bound",
    )
    recovery_seconds: float = setting(
        120,
        variables.number(0, 86_400),
        "seconds in which a dropped connection can be restored; 0: never",
    )
    max_message_bytes: int = setting(
        1_000_000, variables.integer(1024), "largest message that is received, in bytes"
    )
    max_unsent_bytes: int = setting(
        1_048_576,
        variables.integer(65_536),
        "unsent bytes past which a connection is a slow consumer, and cut off",
    )
    max_held_bytes: int | None = setting(
        None,
        variables.integer(0),
        "bytes held for all clients together, past which whoever holds most goes; none: a quarter "
        "of the memory; 0: no limit",
    )
    messages_per_second: float = setting(
        100,
        variables.number(0),
        "requests per second of a connection, with bursts of twice that; 0: no limit",
    )
    agent_messages_per_second: float = setting(
        2000,
        variables.number(0),
        "MESSAGES_PER_SECOND of a connection whose identity is an agent or a service; 0: no limit",
    )
    messages_per_second_per_identity: float = setting(
        1000,
        variables.number(0),
        "requests per second of one identity, on all of its connections to all processes; agents "
        "and services have 20 times that; 0: no limit",
    )
    connections_per_identity: int = setting(
        200,
        variables.integer(0),
        "connections of one identity to all processes; 0: no limit",
    )
    connections_per_address: int = setting(
        0,
        variables.integer(0),
        "connections from one address (IPv6: from one /64 network) to all processes; 0: no limit",
    )
    channels_per_connection: int = setting(
        10_000,
        variables.integer(0),
        "channels that one connection may be in at a time; 0: no limit",
    )
    open_types: bool = setting(
        True,
        variables.switch,
        "1: notifications and chats may have types that Hearth doesn't know; 0: they may not",
    )
    ping_seconds: float = setting(25, variables.number(0.1), "seconds between pings of Engine.IO")
    ping_timeout_seconds: float = setting(
        20, variables.number(0.1), "seconds that the answer to a ping may take"
    )
    metrics_token: str | None = setting(
        None,
        variables.secret,
        "bearer token that /metrics asks for; public: none; none: it answers this machine only",
    )
    console: bool = setting(True, variables.switch, "1: the console is at /; 0: there is none")
    log_format: Literal["auto", "console", "json"] = setting(
        "auto",
        variables.choice("auto", "console", "json"),
        "console or json; auto: console on a terminal",
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "info",
        variables.choice("debug", "info", "warning", "error"),
        "debug, info, warning or error",
    )

    @property
    def development(self) -> bool:
        """Whether this is development mode, in which everybody is admitted."""
        return self.auth_mode == "none"

    @property
    def local(self) -> bool:
        """Whether this is development mode for this machine alone."""
        return self.development and is_loopback(self.host)

    @property
    def has_short_secret(self) -> bool:
        """Whether the secret can be guessed; blanks around it don't count."""
        secret = self.auth_secret
        return secret is not None and len(secret.strip().encode()) < SHORT_SECRET_BYTES


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
    _refuse_open_server(settings, insisted=optional(env, "AUTH_MODE") is not None)
    return settings


def near_misses(env_file: str = ".env") -> dict[str, str]:
    """Return the variables that are no settings but look like one, each with that one."""
    known = [one.name.upper() for one in fields(Settings)] + ["AUTH_JWKS"]
    names = sorted({*os.environ, *dotenv_values(env_file)})
    found = {name: near_miss(name, known, prefix="HEARTH_") for name in names}
    return {name: meant for name, meant in found.items() if meant is not None}


def _read(env: Env) -> Settings:
    variables.unsupported(env, "AUTH_JWKS")
    values = {
        one.name: one.metadata["read"](env, one.name.upper(), one.default)
        for one in fields(Settings)
    }
    settings = Settings(**values)
    if settings.auth_secret is not None and optional(env, "AUTH_MODE") is None:
        return replace(settings, auth_mode="required")
    return settings


def _refuse_open_server(settings: Settings, *, insisted: bool) -> None:
    if settings.auth_mode == "required" and settings.auth_secret is None:
        raise SettingsError('Environment variable "AUTH_MODE" is required, so set AUTH_SECRET too')
    if is_loopback(settings.host):
        return
    reachable = f'Environment variable "HOST" is {settings.host}, which others can reach'
    if settings.development and not insisted:
        raise SettingsError(
            f"{reachable}, and no AUTH_SECRET is set: set it, or AUTH_MODE=none to let everybody in"
        )
    if not settings.development and settings.has_short_secret:
        raise SettingsError(
            f"{reachable}, and AUTH_SECRET can be guessed: give it {SHORT_SECRET_BYTES} bytes or "
            "more, for example of `openssl rand -hex 32`"
        )
