"""Near misses of names."""

from __future__ import annotations

import pytest

from app.core.near_miss import choice, near_miss

KNOWN = (
    *("HOST", "PORT", "REDIS_URL", "AUTH_SECRET", "AUTH_JWKS", "ALLOWED_ORIGINS", "LOG_LEVEL"),
    *("HEARTH_PREFIX", "HISTORY_SIZE", "HISTORY_SECONDS", "PING_SECONDS", "PING_TIMEOUT_SECONDS"),
    *("MAX_MESSAGE_BYTES", "MAX_UNSENT_BYTES", "USER_GRANTS"),
)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("REDIS_URI", "REDIS_URL"),
        ("redis_url", "REDIS_URL"),
        ("ALLOWED_ORIGIN", "ALLOWED_ORIGINS"),
        ("ALOWED_ORIGINS", "ALLOWED_ORIGINS"),
        ("AUTH_SECERT", "AUTH_SECRET"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("HEARTH_PORT", "PORT"),
        ("HEARTH_REDIS_URL", "REDIS_URL"),
        ("PING_TIMEOUT", "PING_TIMEOUT_SECONDS"),
        ("MAX_MESSAGE", "MAX_MESSAGE_BYTES"),
        ("MAX_MESSAGES_BYTES", "MAX_MESSAGE_BYTES"),
        ("PORTS", "PORT"),
    ],
)
def test_what_was_meant(name: str, meant: str) -> None:
    assert near_miss(name, KNOWN, prefix="HEARTH_") == meant


@pytest.mark.parametrize(
    "name",
    [
        *KNOWN,
        *("PATH", "HOME", "HOSTNAME", "HOSTTYPE", "POST", "SHELL", "LOGNAME", "USER", "LANG"),
        *("HISTSIZE", "HISTFILESIZE", "REDIS_TLS_URL", "REDIS_HOST", "REDIS_PORT", "SECRET"),
        *("HEARTH_URL", "TOKEN", "PYTHONPATH", "WEB_CONCURRENCY", "AUTH", "DRAIN_SECONDS"),
        *("KUBERNETES_PORT", "KUBERNETES_SERVICE_HOST", "CELERY_REDIS_URL", "DATABASE_URL"),
    ],
)
def test_what_is_ours_or_has_nothing_to_do_with_us(name: str) -> None:
    assert near_miss(name, KNOWN, prefix="HEARTH_") is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("/Chat", "There are /chat, /feeds; did you mean /chat?"),
        ("/feed/", "There are /chat, /feeds; did you mean /feeds?"),
        ("/", "There are /chat, /feeds."),
        ("", "There are /chat, /feeds."),
    ],
)
def test_a_choice_lists_what_there_is_and_asks_for_what_was_meant(name: str, text: str) -> None:
    assert choice(name, ["/feeds", "/chat"]) == text
