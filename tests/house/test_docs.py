"""The docs speak of what is there: paths, names, links, log lines, words of the glossary."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.house.docs import PAGES, anchors, code, links, rows
from tests.house.names import missing_names, missing_paths, missing_words
from tests.house.source import MODULES, ROOT

#: Pages for those who change the source; the others speak of clients' own variables too.
FOR_CONTRIBUTORS: Final = [ROOT / "CONTRIBUTING.md", ROOT / "docs/design.md"]
CONTRIBUTING: Final = FOR_CONTRIBUTORS[0].read_text()
GLOSSARY: Final = rows(CONTRIBUTING, "Glossary")
LOG_LINES: Final = rows((ROOT / "docs/operations.md").read_text(), "Logs")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def has(text: str, words: str) -> bool:
    """Tell whether a search for some words finds them: `caught up` is also `caught_up`."""
    pattern = re.sub(r"[ -]", r"[\\W_]*", words)
    return re.search(rf"(?<![a-z]){pattern}", text, re.IGNORECASE) is not None


@each_page
def test_every_path_is_there(page: Path) -> None:
    assert missing_paths(page.read_text(), page.parent) == []


@each_page
def test_every_name_of_ours_is_there(page: Path) -> None:
    assert missing_names(page.read_text()) == []


@pytest.mark.parametrize("page", FOR_CONTRIBUTORS, ids=lambda page: page.name)
def test_every_function_is_there(page: Path) -> None:
    assert missing_words(page.read_text()) == []


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page.read_text()):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


def test_a_path_that_is_not_there_is_found() -> None:
    text = """`app/hub/hub.py`, `app/hub/`, `docs/design.md`, `lua/*.lua`, `app/hub/nowhere.py`,
`nowhere/`, `hub.py` `/ws/circles/{name}` `redis://` `text` `bench/build/logs/` `/socket.io/`
```
`app/in_a_block.py`
```
`app/*.nowhere`"""
    assert missing_paths(text) == [
        "lua/*.lua",
        "app/hub/nowhere.py",
        "nowhere/",
        "hub.py",
        "app/*.nowhere",
    ]
    assert missing_paths("`hub.py`", ROOT / "app/hub") == []


def test_a_name_that_is_not_there_is_found() -> None:
    there = """`Hub` `Hub.publish_as` `Hub.memberships` `EngineSession.write` `Closing.SLOW`
`ErrorCode` `HearthError.code` `MAX_UNSENT_BYTES` `HISTORY_SIZE=5` `CUSTOM_TYPES` `{Some: thing}`"""
    assert missing_names(there) == []
    gone = "`Hubb` `Hub.joining_hubbub` `Closing.SLOWLY` `MAX_UNSENT_HUBBUB` `HISTORY_HUBBUB=5`"
    assert missing_names(gone) == list(code(gone))


def test_a_function_that_is_not_there_is_found() -> None:
    assert (
        missing_words("`read_emit` `emits.read_emit()` `asyncio.anything` `one` `_dispatch`") == []
    )
    gone = "`read_hubbub` `emits.read_hubbub()`"
    assert missing_words(gone) == list(code(gone))


def test_a_link_and_its_anchor_are_found() -> None:
    text = "[one](a.md#b-c) [two](https://example.org) [three](#d)\n## B: c, `d`!\n"
    assert list(links(text)) == ["a.md#b-c", "#d"]
    assert anchors(text) == {"b-c-d"}


@pytest.mark.parametrize("row", GLOSSARY, ids=lambda row: row[0])
def test_whoever_looks_for_a_word_finds_it_where_the_glossary_says(row: list[str]) -> None:
    listed, _meaning, where = row
    words = [word for word in re.split(r", | \(|\)", listed) if word]
    for path in code(where):
        if not path.endswith("/"):
            text = f"{path} {(ROOT / path).read_text()}"
            assert any(has(text, word) for word in words), path


def test_a_word_is_found_where_it_stands_alone() -> None:
    found = [("a caught_up b", "caught up"), ("FanOut", "fan-out"), ("Acks", "ack")]
    assert all(has(*one) for one in found)
    assert not any(has(*one) for one in [("back", "ack"), ("up", "caught up")])


def test_tables_are_read() -> None:
    assert GLOSSARY[0][0].startswith("acknowledgement")
    assert LOG_LINES[0][0] == "`serving`"


@pytest.mark.parametrize("row", LOG_LINES, ids=lambda row: row[0])
def test_every_log_line_of_the_docs_is_one_of_the_source(row: list[str]) -> None:
    source = "\n".join((ROOT / path).read_text() for path in MODULES.values())
    for line in code(row[0]):
        assert f'"{line.removesuffix(" …")}' in source, line
