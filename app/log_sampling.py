"""Sampling of the log: of lines that others cause again and again, the first few of each reason.

A line's reason is its field `reason`, or its exception's type. What was left out is told once the
window is over, in a line `more of the same`.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from threading import RLock
from typing import Any, Final, NamedTuple

import structlog
from structlog.typing import EventDict

from app.core.sampler import More, Sampler

MORE: Final = "more of the same"
#: Its lines are of start and stop, which nobody else causes.
_START_AND_STOP: Final = "hearth"


_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "critical": logging.CRITICAL,
}


class Kind(NamedTuple):
    """What is sampled together.

    Args:
        event: the text of our lines; empty for those of libraries, whose texts are reasons.
    """

    logger: str
    level: int
    event: str


class LogSampling:
    """Samples lines, ours and those of libraries, but not those of level DEBUG.

    Args:
        sampler: decides.
    """

    def __init__(self, sampler: Sampler | None = None) -> None:
        self._sampler = sampler or Sampler()
        self._lock = RLock()  # threads log too

    def process(self, logger: logging.Logger, method: str, event_dict: EventDict) -> EventDict:
        """Drop a line of ours, as a processor of structlog, or let it pass."""
        level = _LEVELS.get(method, logging.ERROR)
        event = str(event_dict.get("event"))
        if event != MORE and not self._admits(Kind(logger.name, level, event), _reason(event_dict)):
            raise structlog.DropEvent
        return event_dict

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record of a library passes; ours do, for they are sampled already."""
        if isinstance(record.msg, Mapping):
            return True
        # Before its arguments are filled in, and without what follows the first line, which differ.
        text = str(record.msg).partition("\n")[0]
        return self._admits(Kind(record.name, record.levelno, ""), text)

    def _admits(self, kind: Kind, reason: str | None) -> bool:
        if kind.level <= logging.DEBUG or kind.logger == _START_AND_STOP:
            return True
        now = time.monotonic()
        with self._lock:
            more = self._sampler.ended(now)
            admitted = self._sampler.admits(kind, reason, now)
        self._tell(more)
        return admitted

    def tell(self) -> float | None:
        """Tell what was left out in windows that are over; return the seconds to the next end."""
        now = time.monotonic()
        with self._lock:
            more, end = self._sampler.ended(now), self._sampler.next_end
        self._tell(more)
        return None if end is None else max(end - now, 0.0)

    def close(self) -> None:
        """Tell what isn't told yet."""
        with self._lock:
            more = self._sampler.end_all()
        self._tell(more)

    def _tell(self, more: list[More]) -> None:
        for kind, reason, count in more:
            known = kind if isinstance(kind, Kind) else Kind("hearth.logs", logging.WARNING, "")
            log = structlog.get_logger(known.logger)
            fields: dict[str, Any] = {"of": known.event} if known.event else {}
            if reason is not None:
                fields["reason"] = reason
            log.log(known.level, MORE, **fields, more=count, seconds=self._sampler.seconds)


def _reason(event_dict: EventDict) -> str | None:
    if (reason := event_dict.get("reason")) is not None:
        return str(reason)
    error = event_dict.get("exc_info")
    if isinstance(error, BaseException):
        return type(error).__qualname__
    if error is True and (current := sys.exception()) is not None:
        return type(current).__qualname__
    return None
