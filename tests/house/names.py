"""Names in the docs: which of them are paths or names of ours, and whether those are there."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from app.settings import Settings
from tests.house.docs import code
from tests.house.source import MODULES, ROOT, tree

# Where a path of ours begins with one of these it is made, and not in the repository.
MADE: Final = (".env", ".venv", "bench/.venv", "bench/build/", "bench/node_modules")
# Names of others that the docs speak of.
FOREIGN: Final = frozenset(
    {"AsyncRedisManager", "Manager", "None", "PYTHON_CONFIGURE_OPTS", "WebSocketResponse"}
)

_SUFFIXES: Final = "c|css|h|html|js|json|lua|md|mjs|mk|py|svg|toml|ts|tsx|txt"
_PATH: Final = re.compile(rf"[\w.*-]+/[\w.*/-]*|[\w.*-]+\.(?:{_SUFFIXES})")
_CLASS: Final = re.compile(r"([A-Z]\w*[a-z]\w*)(?:\.(\w+))?(?:\(\))?")
_CAPITALS: Final = re.compile(r"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=.*)?")
_SNAKE: Final = re.compile(r"_?[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
_DOTTED: Final = re.compile(r"([a-z_]+)\.(\w+)(?:\(\))?")

_TYPESCRIPT: Final = re.compile(r"^export (?:class|interface|type) (\w+)", re.MULTILINE)


def missing_paths(text: str, folder: Path = ROOT) -> list[str]:
    """Return the paths in backticks that lead nowhere, from the root or from the page's folder."""
    return [
        path
        for path in code(text)
        if _PATH.fullmatch(path)
        and not path.startswith(MADE)
        and not any(any(base.glob(path)) for base in (ROOT, folder))
    ]


def missing_names(text: str) -> list[str]:
    """Return what in backticks looks like a class, a member or a setting of ours, and isn't."""
    return [name for name in code(text) if not _is_known(name)]


def missing_words(text: str) -> list[str]:
    """Return the names in backticks that look like functions and that no source has."""
    return [name for name in code(text) if not _is_word(name)]


def _is_known(name: str) -> bool:
    if found := _CAPITALS.fullmatch(name):
        setting = found[1].lower() in Settings.__dataclass_fields__
        return setting or found[1] in FOREIGN or found[1] in _words()
    if found := _CLASS.fullmatch(name):
        owner, member = found.groups()
        if owner in FOREIGN or (ROOT / name).is_file():
            return True
        return owner in _classes() and (member is None or member in _members(owner))
    return True


def _is_word(name: str) -> bool:
    if found := _DOTTED.fullmatch(name):
        of_it = [module for module in MODULES if module.rpartition(".")[2] == found[1]]
        return not of_it or any(found[2] in _names_in(tree(module)) for module in of_it)
    return not _SNAKE.fullmatch(name) or name in _words()


def _names_in(node: ast.AST) -> set[str]:
    """Return what is defined directly in a module or class, or assigned to `self` in the latter."""
    names: set[str] = set()
    for statement in getattr(node, "body", []):
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = [statement.target] if isinstance(statement, ast.AnnAssign) else None
            for target in targets or getattr(statement, "targets", []):
                names.update(one.id for one in ast.walk(target) if isinstance(one, ast.Name))
    for target in ast.walk(node) if isinstance(node, ast.ClassDef) else ():
        if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
            names.add(target.attr)
    return names


def _sources() -> Iterator[Path]:
    for folder in ("app", "namespaces", "schemas", "clients", "examples", "tests", "bench"):
        for suffix in ("py", "lua", "ts", "mjs", "js"):
            for path in (ROOT / folder).rglob(f"*.{suffix}"):
                if not {"node_modules", ".venv", "build", "dist", "vendor"} & set(path.parts):
                    yield path


@cache
def _words() -> frozenset[str]:
    """Return every word of the source, but for the tests of the house, which make names up."""
    house = Path(__file__).parent
    texts = (path.read_text() for path in _sources() if path.parent != house)
    return frozenset(word for text in texts for word in re.findall(r"\w+", text))


@cache
def _classes() -> dict[str, list[ast.ClassDef]]:
    """Return our classes by name; the TypeScript ones without their definitions."""
    found: defaultdict[str, list[ast.ClassDef]] = defaultdict(list)
    for path in _sources():
        if path.suffix == ".py":
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    found[node.name].append(node)
        elif path.suffix == ".ts":
            found.update({name: [] for name in _TYPESCRIPT.findall(path.read_text())} | found)
    return dict(found)


def _members(name: str) -> set[str]:
    """Return the members of all classes of a name, also those that they inherit from ours."""
    members: set[str] = set()
    for node in _classes().get(name, []):
        members |= _names_in(node)
        for base in node.bases:
            members |= _members(ast.unparse(base).rpartition(".")[2])
    return members
