"""The source as the tests of the house read it: modules, and what each imports."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("app", "namespaces", "schemas")


def _modules() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            relative = path.relative_to(ROOT)
            parts = relative.with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = relative
    return found


#: All our modules by name, with their paths from the root.
MODULES: Final = _modules()


@cache
def tree(module: str) -> ast.Module:
    """Return a module, parsed."""
    return ast.parse((ROOT / MODULES[module]).read_text(), module)


@cache
def imported(module: str) -> frozenset[str]:
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
    return frozenset(names)


def ours(module: str) -> frozenset[str]:
    """Return which of our own modules `module` imports; not `app` itself, for its version."""
    return frozenset(name for name in imported(module) if name in MODULES and name != "app")
