"""Objects own their state: other rooms change it by calling a method, not by assigning to it."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import pytest

from tests.house.source import MODULES, tree
from tests.house.test_rooms import SOURCE, room_of


def assigned(module: str) -> Iterator[ast.Attribute]:
    """Return every attribute that a module assigns to."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        for target in targets:
            for one in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(one, ast.Attribute):
                    yield one


def is_own(target: ast.Attribute) -> bool:
    return isinstance(target.value, ast.Name) and target.value.id in {"self", "cls"}


def owners() -> dict[str, set[str]]:
    """Return the attributes of our classes, each with the rooms that have one of this name."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for module in MODULES.keys() - {"app"}:
        room = room_of(module).names[0]
        for target in assigned(module):
            if is_own(target):
                found[target.attr].add(room)
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.ClassDef):
                for field in node.body:
                    if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                        found[field.target.id].add(room)
    return dict(found)


OWNERS: Final = owners()

# Attributes of others' objects that share a name with ours.
FOREIGN: Final = {("app.transport.websocket", "protocol.transport")}  # aiohttp's


def test_there_is_something_to_look_at() -> None:
    assert "app.transport" in OWNERS["state"]
    assert "app.core" in OWNERS["offset"]  # a dataclass's field


@pytest.mark.parametrize("module", SOURCE)
def test_nobody_assigns_to_what_is_another_rooms(module: str) -> None:
    room = room_of(module).names[0]
    strays = [
        f"line {target.lineno}: {ast.unparse(target)}"
        for target in assigned(module)
        if not is_own(target)
        and (module, ast.unparse(target)) not in FOREIGN
        and OWNERS.get(target.attr)
        and room not in OWNERS[target.attr]
    ]
    assert strays == []
