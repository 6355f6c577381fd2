"""What pages of the documentation show."""

from __future__ import annotations

import re
from pathlib import Path


def blocks(page: Path, language: str) -> list[str]:
    """Return a page's blocks of code in a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[str]:
    """Return what a page types into a shell, in order."""
    typed = "".join(blocks(page, "console"))
    return re.findall(r"^\$ (.*)", typed, re.MULTILINE)


def rights(page: Path, user: str) -> list[str]:
    """Return the rules that a page gives after `ACL SETUSER <user> on >password`."""
    [rules] = re.findall(rf"^ACL SETUSER {user} on >password (.*)", page.read_text(), re.MULTILINE)
    return str(rules).split()
