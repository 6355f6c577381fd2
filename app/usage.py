"""Usage: what `python -m app` can be asked, and what it says about its settings."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, Final
from urllib.parse import urlsplit

from app import __version__
from app.settings import Settings
from app.start_warnings import warnings

_WIDTH: Final = 88
_INDENT: Final = " " * 6
#: Settings that are never shown.
SECRETS: Final = frozenset({"auth_secret", "metrics_token"})


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what is asked; `check` says whether to look at the settings only.

    Exits where that is `--help`, `--version` or nothing that is known.
    """
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="Serve until SIGTERM, SIGINT or SIGHUP.",
        epilog=_table(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"Hearth {__version__}")
    parser.add_argument(
        "check",
        nargs="?",
        choices=["check"],
        metavar="check",
        help="say what all settings are and mean, without serving",
    )
    return parser.parse_args(arguments)


def report(settings: Settings) -> str:
    """Return what the settings are and mean, and what is odd about them, without any secret."""
    defaults = Settings()
    lines = []
    for one in fields(Settings):
        value = getattr(settings, one.name)
        origin = "" if value != getattr(defaults, one.name) else " (default)"
        lines.append(f"{one.name.upper()} = {_shown(one.name, value)}{origin}")
        lines += _meaning(one.metadata["meaning"])
    return "\n".join([*lines, *(f"warning: {text}" for text in warnings(settings))])


def _table() -> str:
    lines = ["settings, from the environment or from .env, with their defaults:"]
    for one in fields(Settings):
        lines.append(f"  {one.name.upper()} = {_shown(one.name, one.default)}")
        lines += _meaning(one.metadata["meaning"])
    return "\n".join(lines)


def _meaning(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)


def _shown(name: str, value: Any) -> str:
    if value is None or value == ():
        return "none"
    if name in SECRETS:
        return f"a secret of {len(value.encode())} bytes"
    if name == "redis_url":
        parts = urlsplit(value)  # its query may hold a password too
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
