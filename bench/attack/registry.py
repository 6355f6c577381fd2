"""The registry: every attack by its name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from bench.attack import kinds


class Who(Enum):
    """Who attacks; `Verdict` says what each may bring about."""

    STRANGER = "stranger"  # without a token, by up to four connections
    MEMBER = "member"  # one valid token
    CROWD = "crowd"  # a hundred connections
    WORKER = "worker"  # whoever has Redis, or the machine


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack.

    Args:
        run: the attack; it takes an `Arena` and keyword arguments that have defaults.
        prepare: what is done before anything is measured; it takes the same.
        short: arguments that make it smaller, for a short run.
        settings: the server's, beside `AUTH_SECRET`.
        redis: whether the server has one.
        seconds: it lasts at least so long.
        kept_bytes: what the server was asked to keep, within its bounds, and may still have.
        times: whether the bystander's latency is judged; the attack may stop the process itself.
        deaf: whether nobody reads the server's stderr.
    """

    name: str
    kind: str
    who: Who
    run: Callable[..., Awaitable[None]]
    about: str
    prepare: Callable[..., Awaitable[None]] | None = None
    short: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    redis: bool = False
    seconds: float = 0.0
    kept_bytes: int = 0
    times: bool = True
    deaf: bool = False


#: Connections that a stranger has, and one token where it needs several.
HANDS: Final = 4
#: Settings of a server on which a rate doesn't keep an attack from its beginning.
FREELY: Final = {"MESSAGES_PER_SECOND": "0", "MESSAGES_PER_SECOND_PER_IDENTITY": "0"}
#: What a channel's history may hold, as large as the settings let it be, and a little more.
HISTORY_BYTES: Final = 70_000_000

ATTACKS: Final[dict[str, Attack]] = {}

_Function = Callable[..., Awaitable[None]]


def attack(name: str, who: Who, **options: Any) -> Callable[[_Function], _Function]:
    """Enter a function as an attack; the first line of its docstring says what it does.

    Args:
        options: of `Attack`.
    """

    def enter(function: _Function) -> _Function:
        if name in ATTACKS:
            raise ValueError(f"there are two attacks {name!r}")
        about = (function.__doc__ or "").partition("\n")[0].rstrip(".")
        kind = function.__module__.rpartition(".")[2]
        ATTACKS[name] = Attack(name, kind, who, function, about, **options)
        return function

    return enter


def load() -> dict[str, Attack]:
    """Return all attacks, by kind and then in the order of their files."""
    for module in pkgutil.iter_modules(kinds.__path__):
        importlib.import_module(f"{kinds.__name__}.{module.name}")
    return ATTACKS
