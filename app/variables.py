"""Variables of the environment: readers that return their values, or name the one that is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, cast
from urllib.parse import urlsplit

from environs import Env, EnvError, ValidationError
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError
from socketio.redis_manager import parse_redis_sentinel_url

from app.core.identity import Grant, parse_grants
from app.core.proxies import PRIVATE, TrustedProxies
from app.core.user_grants import UserGrant
from app.origins import AllowedOrigins

#: Takes the environment, a variable's name and its default.
#: Raises `EnvError`, which names the variable.
Read = Callable[[Env, str, Any], Any]

_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def optional(env: Env, name: str, default: str | None = None) -> str | None:
    """Read a text; an empty variable is one that isn't set."""
    return env.str(name, None) or default


def secret(env: Env, name: str, default: str | None = None) -> str | None:
    """Read a secret, which is never shown. One of blanks alone is a mistake wherever it is."""
    value = optional(env, name, default)
    if value is not None and not value.strip():
        raise EnvError(f'Environment variable "{name}" invalid: it is blank')
    return value


def unsupported(env: Env, name: str) -> None:
    """Refuse a variable that a later version may know."""
    if optional(env, name) is not None:
        raise EnvError(f'Environment variable "{name}" invalid: not supported yet; AUTH_SECRET is')


def integer(minimum: int, maximum: int | None = None) -> Read:
    """Return a reader of whole numbers."""
    check = _between(minimum, maximum)
    return lambda env, name, default: env.int(name, default, validate=check)


def number(minimum: float, maximum: float | None = None) -> Read:
    """Return a reader of numbers."""
    check = _between(minimum, maximum)
    return lambda env, name, default: env.float(name, default, validate=check)


def switch(env: Env, name: str, default: bool) -> bool:
    """Read a 1 or a 0; `true`, `yes` and their opposites are read too."""
    return bool(env.bool(name)) if optional(env, name) else default


def choice(*choices: str) -> Read:
    """Return a reader of one of some words."""

    def read(env: Env, name: str, default: str) -> str:
        value = (optional(env, name) or default).lower()
        if value not in choices:
            raise EnvError(f'Environment variable "{name}" invalid: one of {", ".join(choices)}')
        return value

    return read


def host(env: Env, name: str, default: str) -> str:
    """Read an address, with or without the brackets that IPv6 has in a URL."""
    value = (optional(env, name) or "").strip() or default
    return value[1:-1] if value.startswith("[") and value.endswith("]") else value


def key_prefix(env: Env, name: str, default: str) -> str:
    """Read what Redis keys begin with."""
    value = optional(env, name) or default
    if not _NAME.fullmatch(value):
        raise EnvError(
            f'Environment variable "{name}" invalid: 1 to 64 characters of A-Z a-z 0-9 _ . : -'
        )
    return value


def redis_url(env: Env, name: str, default: None) -> str | None:
    """Read the URL of a Redis, which is never shown: it may hold a password."""
    url = optional(env, name, default)
    if url is None:
        return None
    try:
        problem = _redis_url_problem(url)
    except ValueError:
        problem = "not like redis://localhost:6379/0"
    if problem is not None:
        raise EnvError(f'Environment variable "{name}" invalid: {problem}')
    return url


def _redis_url_problem(url: str) -> str | None:
    parts = urlsplit(url)
    if parts.scheme == "redis+sentinel":
        parse_redis_sentinel_url(url)
        return None
    if parts.scheme in {"redis", "rediss"}:
        if parts.port == 0:  # raises if it is not a number
            return "its port is 0"
        if not re.fullmatch(r"/?[0-9]*", parts.path):
            return "its path is to be the number of a database, like /0"
    elif parts.scheme != "unix":
        return "not like redis://localhost:6379/0"
    try:
        cast(Any, ConnectionPool).from_url(url).make_connection()  # without connecting it
    except TypeError as error:
        option = re.search(r"argument '(\w+)'", str(error))
        return f"it has an option that nobody knows, {option[1] if option else '?'}"
    except (ValueError, RedisError):
        return "an option in it has a value that can't be"
    return None


def grants(env: Env, name: str, _default: tuple[()]) -> tuple[Grant, ...]:
    """Read comma-separated grants."""
    try:
        return parse_grants(_list(env, name))
    except ValueError as error:
        raise EnvError(f'Environment variable "{name}" invalid: {error}') from None


def user_grants(env: Env, name: str, _default: tuple[()]) -> tuple[UserGrant, ...]:
    """Read comma-separated grants with `{sub}`."""
    try:
        return tuple(map(UserGrant.parse, _list(env, name)))
    except ValueError as error:
        raise EnvError(f'Environment variable "{name}" invalid: {error}') from None


def origins(env: Env, name: str, _default: tuple[()]) -> tuple[str, ...]:
    """Read comma-separated origins."""
    # `file://` is one.
    texts = tuple(text if text.endswith("://") else text.rstrip("/") for text in _list(env, name))
    try:
        AllowedOrigins(texts)
    except ValueError as error:
        raise EnvError(f'Environment variable "{name}" invalid: {error}') from None
    return texts


def proxies(env: Env, name: str, _default: tuple[()]) -> tuple[str, ...]:
    """Read comma-separated addresses and networks of proxies."""
    texts = tuple(_list(env, name))
    try:
        TrustedProxies(texts)
    except ValueError as error:
        raise EnvError(
            f'Environment variable "{name}" invalid: {error}; it is a list of addresses, networks '
            f"like 10.0.0.0/8, or {PRIVATE}"
        ) from None
    return texts


def _list(env: Env, name: str) -> list[str]:
    return [text.strip() for text in (env.str(name, None) or "").split(",") if text.strip()]


def _between(minimum: float, maximum: float | None) -> Callable[[float], None]:
    def check(value: float) -> None:
        # "not >=" rather than "<": NaN is neither.
        if not value >= minimum or value == float("inf"):
            raise ValidationError(f"must be at least {minimum:g}")
        if maximum is not None and value > maximum:
            raise ValidationError(f"must be at most {maximum:g}")

    return check
