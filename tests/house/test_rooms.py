"""Imports point down only, between rooms and between files of a room, type-only ones included."""

from __future__ import annotations

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from typing import Final

import pytest

from tests.house.docs import DESIGN, with_rooms
from tests.house.rooms import EVERYTHING, ROOMS, Room
from tests.house.source import MODULES, ROOT, imported, ours, tree

MAX_LINES: Final = 300
# What does I/O, tells the time or is random: nothing of it in the core.
IMPURE: Final = frozenset(
    {"asyncio", "concurrent", "http", "io", "logging", "multiprocessing", "os", "pathlib"}
    | {"random", "secrets", "select", "selectors", "shutil", "signal", "socket", "ssl"}
    | {"subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid"}
)
CLOCKS: Final = frozenset({"now", "utcnow", "today"})
NAMES: Final = [name for room in ROOMS for name in room.names]
SOURCE: Final = sorted(MODULES.keys() - {"app"})


def fits(module: str, name: str) -> bool:
    return module == name or module.startswith(f"{name}.")


def room_of(module: str) -> Room:
    """Return a module's room: that of the longest name that fits."""
    name = max((name for name in NAMES if fits(module, name)), key=len, default="")
    assert name, f"give {module} a place in tests/house/rooms.py"
    return next(room for room in ROOMS if name in room.names)


def may_import(room: Room) -> list[Room]:
    if room.may_import == EVERYTHING:
        return list(ROOMS)
    return [one for one in ROOMS if set(one.names) & set(room.may_import)]


def test_there_is_something_to_look_at() -> None:
    assert {"app.hub.hub", "app.core.history", "namespaces", "schemas.fields"} <= MODULES.keys()
    assert imported("app.broker.memory") >= {"app.core.history", "secrets", "time"}
    assert "app.core.access" in imported("app.hub.hub")  # `from app.core import access`


@pytest.mark.parametrize("name", NAMES)
def test_every_room_exists(name: str) -> None:
    assert name in MODULES


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.names[0])
def test_the_table_points_down(room: Room) -> None:
    assert room.may_import == EVERYTHING or len(may_import(room)) == len(room.may_import)
    below = ROOMS[ROOMS.index(room) + 1 :]
    assert room.may_import == EVERYTHING or all(one in below for one in may_import(room))


@pytest.mark.parametrize("module", SOURCE)
def test_imports_point_down(module: str) -> None:
    room = room_of(module)
    allowed = [room, *may_import(room)]
    below = ROOMS[ROOMS.index(room) :]
    strays = {
        name for name in ours(module) if room_of(name) not in allowed or room_of(name) not in below
    }
    assert strays == set()


def test_nothing_imports_itself_by_way_of_others() -> None:
    try:
        TopologicalSorter({module: ours(module) for module in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_the_docs_show_the_table_as_it_is() -> None:
    text = DESIGN.read_text()
    assert "<!-- rooms -->" in text
    assert with_rooms(text) == text, "make rooms"


@pytest.mark.parametrize("module", [name for name in SOURCE if fits(name, "app.core")])
def test_the_core_does_no_io_and_reads_no_clock(module: str) -> None:
    names = {name.partition(".")[0] for name in imported(module)} - {"app"}
    assert names <= sys.stdlib_module_names
    assert not names & IMPURE
    attributes = {node.attr for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)}
    assert not attributes & CLOCKS


@pytest.mark.parametrize("module", SOURCE)
def test_no_file_is_too_long(module: str) -> None:
    assert len((ROOT / MODULES[module]).read_text().splitlines()) <= MAX_LINES


CLIENT: Final = sorted((ROOT / "clients/python/hearth_realtime").glob("*.py"))


@pytest.mark.parametrize("path", CLIENT, ids=lambda path: path.stem)
def test_the_client_is_on_its_own(path: object) -> None:
    source = ROOT.joinpath(str(path)).read_text()
    assert len(source.splitlines()) <= MAX_LINES
    nodes = list(ast.walk(ast.parse(source)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    roots = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    assert roots <= {"hearth_realtime", "aiohttp", "typing_extensions"}  # the last for types only
