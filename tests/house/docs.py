"""The docs as the tests of the house read them: the table of rooms, and what is in backticks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tests.house.rooms import markdown
from tests.house.source import ROOT

DESIGN: Final = ROOT / "docs/design.md"
PAGES: Final = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    ROOT / "bench/README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)
_TABLE: Final = re.compile(r"(<!-- rooms -->\n).*?(<!-- /rooms -->)", re.DOTALL)
_FENCE: Final = re.compile(r"```.*?```", re.DOTALL)
_CODE: Final = re.compile(r"`([^`\n]+)`")
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)


def with_rooms(text: str) -> str:
    """Return the text of docs/design.md with the table of rooms as it is now."""
    return _TABLE.sub(lambda found: f"{found[1]}{markdown()}{found[2]}", text)


def code(text: str) -> Iterator[str]:
    """Return what stands in backticks in a page's text, but for blocks of code."""
    yield from _CODE.findall(_FENCE.sub("", text))


def links(text: str) -> Iterator[str]:
    """Return the targets of a page's links, but for those to other sites."""
    yield from (target for target in _LINK.findall(_FENCE.sub("", text)) if "://" not in target)


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = _HEADING.findall(_FENCE.sub("", text))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def rows(text: str, title: str) -> list[list[str]]:
    """Return the cells of the first table under a heading, without the table's own head."""
    section = re.split(rf"^#+ {re.escape(title)}$", text, flags=re.MULTILINE)[1]
    table = re.findall(r"^\|(.*)\|$", re.split(r"^#", section, flags=re.MULTILINE)[0], re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in table[2:]]
