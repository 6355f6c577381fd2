"""Warnings: what is told at start of settings that are valid, but hardly meant."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.identity import unknown_namespaces
from app.settings import SHORT_SECRET_BYTES, Settings, near_misses
from schemas.catalogue import NAMESPACES

PATHS = [rules.name for rules in NAMESPACES]


def warnings(settings: Settings) -> Iterator[str]:
    """Return what to tell about the settings that were loaded."""
    if settings.development:
        yield "development mode: everybody is let in; set AUTH_SECRET to change that"
    elif settings.has_short_secret:
        yield f"AUTH_SECRET is short: {SHORT_SECRET_BYTES} bytes or more can't be guessed"
    for name, meant in near_misses().items():
        yield f"{name} is not a setting, and has no effect: is {meant} meant?"
    namespaces = ", ".join(path.strip("/") for path in PATHS)
    for name in ("anonymous_grants", "user_grants"):
        grants = getattr(settings, name)
        patterns = grants if name == "anonymous_grants" else [grant.pattern for grant in grants]
        for grant in unknown_namespaces(patterns, PATHS):
            yield f"{name.upper()} has {grant}, but the namespaces are {namespaces}"
    for user_grant in settings.user_grants:
        if user_grant.pattern.reaches("/chat") and not user_grant.is_personal:
            yield f"USER_GRANTS has {user_grant}, without {{sub}}: it opens everybody's chats"
