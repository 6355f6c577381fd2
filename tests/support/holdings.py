"""Holdings: how much the objects of a server hold at this moment."""

from __future__ import annotations

import gc
from collections import Counter, deque
from collections.abc import Mapping, Sized
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

#: Caches that are bounded by a number and hold no long texts, and what everybody has one of.
APART: Final = frozenset(
    {"Registry._checked", "Identity._decisions", "Counters.published", "Heartbeat._to_answer"}
    | {"Commands._known"}
)
_OURS: Final = ("app.", "namespaces.", "schemas.", "aiohttp.web_app")
_NOT_HELD: Final = (type, ModuleType, FunctionType, BuiltinFunctionType, CodeType)


def holdings(*roots: object) -> Mapping[str, int]:
    """Return how many entries the containers have that the attributes of our objects lead to.

    They are counted by class and attribute, such as `Registry._checked`.
    """
    held: Counter[str] = Counter()
    seen: set[int] = set()
    waiting: deque[tuple[str, Any]] = deque(("", root) for root in roots)
    while waiting:
        name, one = waiting.popleft()
        if id(one) in seen or isinstance(one, _NOT_HELD):
            continue
        seen.add(id(one))
        if isinstance(one, MethodType):
            waiting.append((name, one.__self__))
        elif isinstance(one, dict | list | set | deque | tuple):
            if not isinstance(one, tuple) and name not in APART:
                held[name] += len(one) if isinstance(one, Sized) else 0
            waiting += [(name, below) for below in gc.get_referents(one)]
        elif type(one).__module__.startswith(_OURS):
            waiting += [
                (f"{type(one).__name__}.{attribute}", value)
                for attribute, value in _attributes(one).items()
            ]
    return held


def _attributes(one: object) -> dict[str, Any]:
    found = dict(getattr(one, "__dict__", {}))
    for base in type(one).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(one, name):
                found[name] = getattr(one, name)
    return found
