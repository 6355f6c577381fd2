"""Imports point one way only (docs: the table of rooms), and no file grows out of hand."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
OURS: Final = ("app", "namespaces", "schemas")
CLIENT: Final = sorted((ROOT / "clients/python/hearth_client").glob("*.py"))
MAX_LINES: Final = 300
EVERYTHING: Final = OURS

# Room → what may be imported there, beside the standard library and the requirements. A room is
# a module or a package; the longest name that fits is a module's room.
ROOMS: Final[dict[str, tuple[str, ...]]] = {
    "app.application": EVERYTHING,
    "app.__main__": EVERYTHING,
    "app.token": EVERYTHING,
    "app.redis_wiring": EVERYTHING,
    "app.runner": ("app.app_keys", "app.engine", "app.web"),
    "app.app_keys": ("app.hub", "app.plain", "app.realtime", "app.settings"),
    "namespaces": ("app.requests", "app.hub", "app.auth", "app.core", "schemas", "namespaces"),
    "app.plain": (
        *("app.requests", "app.hub", "app.auth", "app.engine", "app.transport", "app.core"),
        *("schemas", "app.plain"),
    ),
    "app.web": ("app.hub", "app.core", "schemas", "app.settings", "app.web"),
    "app.workers": (
        *("app.hub", "app.broker.contract", "app.broker.keys", "app.redis", "app.core"),
        *("schemas", "app.workers"),
    ),
    "app.requests": ("app.hub", "app.core", "schemas", "app.requests"),
    "app.hub": (
        *("app.hub", "app.broker.contract", "app.broker.record", "app.background", "app.core"),
        *("schemas",),
    ),
    "app.broker": ("app.background", "app.redis", "app.core", "app.broker"),
    "app.realtime": (
        *("app.hub", "app.engine", "app.transport", "app.redis", "app.core", "app.realtime"),
    ),
    "app.engine": ("app.realtime.manager", "app.transport", "app.core", "app.engine"),
    "app.transport": ("app.core", "app.transport"),
    "app.redis": ("app.core", "app.redis"),
    "app.auth": ("app.core", "app.settings"),
    "app.logs": ("app.settings",),
    "app.settings": ("app.core",),
    "app.background": ("app.core",),
    "app.core": ("app.core",),
    "schemas": ("schemas",),
}
# What does I/O, tells the time or is random: nothing of it in the core.
IMPURE: Final = frozenset(
    {"asyncio", "concurrent", "http", "io", "logging", "multiprocessing", "os", "pathlib"}
    | {"random", "secrets", "select", "selectors", "shutil", "signal", "socket", "ssl"}
    | {"subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid"}
)
CLOCKS: Final = frozenset({"now", "utcnow", "today"})


def files() -> dict[str, Path]:
    """Return all our modules by name."""
    found: dict[str, Path] = {}
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = path
    return found


MODULES: Final = files()


def fits(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def room_of(module: str) -> str | None:
    return max((room for room in ROOMS if fits(module, room)), key=len, default=None)


def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(), module)


def imported(module: str) -> set[str]:
    """Return every module that `module` imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative imports hide where they point"
            base = node.module or ""
            below = {f"{base}.{alias.name}" for alias in node.names}
            names |= (below & MODULES.keys()) or {base}
    return names


def strays(module: str) -> set[str]:
    """Return which of our own modules `module` imports and may not."""
    room = room_of(module)
    allowed = ROOMS[room] if room else ()
    return {
        name
        for name in imported(module)
        if name.partition(".")[0] in OURS
        and name != "app"  # the package itself: its version
        and not any(fits(name, place) for place in allowed)
    }


def test_there_is_something_to_look_at() -> None:
    assert {
        "app",
        "app.hub.hub",
        "app.core.history",
        "namespaces",
        "schemas.fields",
    } <= MODULES.keys()
    assert imported("app.broker.memory") >= {"app.core.history", "secrets", "time"}
    assert "app.core.access" in imported("app.hub.hub")  # `from app.core import access`


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"app"}))
def test_every_module_has_a_room(module: str) -> None:
    assert room_of(module), f"give {module} a place in ROOMS"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_down(module: str) -> None:
    assert strays(module) == set()


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_every_room_exists(room: str) -> None:
    assert room in MODULES


@pytest.mark.parametrize("module", [name for name in MODULES if fits(name, "app.core")])
def test_the_core_does_no_io_and_reads_no_clock(module: str) -> None:
    names = {name.partition(".")[0] for name in imported(module)} - {"app"}
    assert names <= sys.stdlib_module_names
    assert not names & IMPURE
    attributes = {node.attr for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)}
    assert not attributes & CLOCKS


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_file_is_too_long(module: str) -> None:
    assert len(MODULES[module].read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", CLIENT, ids=[path.stem for path in CLIENT])
def test_the_client_is_on_its_own(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= MAX_LINES
    nodes = list(ast.walk(ast.parse(source)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    roots = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    assert roots <= {"hearth_client", "aiohttp", "socketio"}
