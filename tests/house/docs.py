"""The docs as the tests of the house read them: the table of rooms, and what is in backticks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.house.rooms import markdown
from tests.house.source import ROOT

DESIGN: Final = ROOT / "docs/design.md"
PAGES: Final = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "bench/README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)
_TABLE: Final = re.compile(r"(<!-- rooms -->\n).*?(<!-- /rooms -->)", re.DOTALL)
_FENCE: Final = re.compile(r"```.*?```", re.DOTALL)
_CODE: Final = re.compile(r"`([^`\n]+)`")


def with_rooms(text: str) -> str:
    """Return the text of docs/design.md with the table of rooms as it is now."""
    return _TABLE.sub(lambda found: f"{found[1]}{markdown()}{found[2]}", text)


def code(page: Path) -> Iterator[str]:
    """Return what stands in backticks on a page, but for blocks of code."""
    yield from _CODE.findall(_FENCE.sub("", page.read_text()))
