"""Targets: what is fuzzed, by a name, and what may come of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import ClassVar, Self

import structlog


class Target:
    """Whatever reads what others send. An exception that `read` doesn't expect is a finding."""

    name: ClassVar[str]
    corpus: ClassVar[list[bytes]]

    async def start(self) -> None:
        """Start what it needs."""

    async def read(self, data: bytes, chance: random.Random) -> None:
        """Read one case; raise, if something is wrong with how it is read."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stop what `start` has started."""


class Defects:
    """The defects of ours that are logged while this is entered."""

    #: Lines of the log about others' mistakes, which may be errors all the same: Redis publishes no
    #: numbers.
    EXPECTED: ClassVar[frozenset[str]] = frozenset(
        {"could not handle a published message", "ignored what can't be read in Redis"}
    )

    def __init__(self) -> None:
        self.found: list[str] = []
        self._before: Callable[[], object] | None = None

    def __enter__(self) -> Self:
        self._config = structlog.get_config()
        structlog.configure(processors=[self._look], cache_logger_on_first_use=False)
        return self

    def __exit__(self, *_error: object) -> None:
        structlog.configure(**self._config)

    def require_none(self) -> None:
        """Raise `AssertionError` if there are any; forget them."""
        found, self.found = self.found, []
        assert not found, found[0]

    def _look(
        self, _logger: object, _method: str, line: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event = str(line.get("event"))
        if event not in self.EXPECTED and ("exc_info" in line or line.get("where")):
            formatted = structlog.processors.format_exc_info(None, "", dict(line))
            self.found.append(f"{event}: {formatted}")
        raise structlog.DropEvent
