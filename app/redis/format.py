"""Format: the number that keys in Redis carry: versions of one number read each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog

from app.core.errors import HearthError, Unavailable

#: It is raised where the version before would misread what this one writes, or the other way round.
#: Not for what is ignored (CONTRIBUTING.md).
FORMAT: Final = 1

Send = Callable[..., asyncio.Future[Any]]

log = structlog.get_logger("hearth.redis")


class WrongFormat(ConnectionRefusedError):
    """The keys have a format that this version doesn't speak."""


class FormatCheck:
    """Looks at the number whenever Redis is connected to: it may be another one by then.

    It is written by the heartbeat, so that it is there again soon after Redis has lost it.

    Args:
        key: where the number is.
        spoken: the number of this version.
    """

    def __init__(self, key: str, spoken: int = FORMAT) -> None:
        self._key = key
        self._spoken = spoken
        self._wrong: WrongFormat | None = None

    async def look(self, send: Send) -> None:
        """Look at the number; where there is none, any version may write it.

        Raises:
            WrongFormat: it is another one.
            Unavailable: Redis can't be asked at the moment.
        """
        try:
            found = await send("GET", self._key)
        except Unavailable:
            raise
        except HearthError:
            found = b"?"  # no text
        self._wrong = None
        if found is None:
            return
        if not found.isdigit():
            log.error("ignored what can't be read in Redis", what="format", where=self._key)
        elif int(found) != self._spoken:
            self._wrong = WrongFormat(
                f"its keys have format {int(found)} ({self._key}), and this version speaks "
                f"{self._spoken}: run the version that wrote them, or set another HEARTH_PREFIX"
            )
            raise self._wrong

    def require(self) -> None:
        """Raise `WrongFormat` if that is what was found last."""
        if self._wrong is not None:
            raise self._wrong
