"""Warnings: what is told at start of settings that are valid, but hardly meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from app.core.identity import run_together, unknown_namespaces
from app.settings import Settings, near_misses
from schemas.catalogue import NAMESPACES

PATHS: Final = [rules.name for rules in NAMESPACES]


class StartWarning(NamedTuple):
    """A line of the log, and what it is about, by name."""

    event: str
    details: dict[str, str]

    def __str__(self) -> str:
        details = (f"{name}={value}" for name, value in self.details.items())
        return " ".join([self.event, *details])


def warnings(settings: Settings) -> Iterator[StartWarning]:
    """Return what to tell about the settings that were loaded."""
    if settings.development:
        who = "everybody on this machine" if settings.local else "everybody"
        rights = ", with all rights" if settings.local else ""
        event = f"development mode: {who} is let in{rights}; set AUTH_SECRET to change that"
        yield StartWarning(event, {})
    elif settings.has_short_secret:
        yield StartWarning("AUTH_SECRET is short: 32 bytes or more can't be guessed", {})
    for name, meant in near_misses().items():
        event = "a variable is not a setting, and has no effect"
        yield StartWarning(event, {"variable": name, "meant": meant})
    user_grants = [grant.pattern for grant in settings.user_grants]
    for name, grants in (
        ("ANONYMOUS_GRANTS", settings.anonymous_grants),
        ("USER_GRANTS", user_grants),
    ):
        for grant in unknown_namespaces(grants, PATHS):
            event = "a setting's grant names a namespace that isn't there"
            namespaces = ", ".join(path.strip("/") for path in PATHS)
            details = {"setting": name, "grant": str(grant), "namespaces": namespaces}
            yield StartWarning(event, details)
        for grant in run_together(grants):
            event = "a setting's grant looks like several: a comma separates each from the next"
            yield StartWarning(event, {"setting": name, "grant": str(grant)})
    for user_grant in settings.user_grants:
        if user_grant.pattern.reaches("/chat") and not user_grant.is_personal:
            event = "a setting opens everybody's chats to every user: it has no {sub}"
            yield StartWarning(event, {"setting": "USER_GRANTS", "grant": str(user_grant)})
