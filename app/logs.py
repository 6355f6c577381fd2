"""Logs: readable on a terminal, one JSON object a line otherwise."""

from __future__ import annotations

import logging
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, TextIO

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import EventDict, Processor

from app.core.shown import shown
from app.log_sampling import LogSampling
from app.log_writer import LogWriter
from app.settings import Settings

_VALUE_BYTES: Final = 500

log = structlog.get_logger("hearth.logs")


def _is_our_defect(record: logging.LogRecord) -> bool:
    """Drop the errors of malformed HTTP: anybody can send it, and it is answered with 400."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def summarize_exception(_logger: object, _method: str, event_dict: EventDict) -> EventDict:
    """Replace an exception by its type and the line where it was raised.

    Its text may contain what a client sent, or a URL with a password; its traceback, paths.
    """
    error = event_dict.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event_dict["error"] = type(error).__qualname__
        innermost = error.__traceback__
        while innermost is not None and innermost.tb_next is not None:
            innermost = innermost.tb_next
        if innermost is not None:
            module = innermost.tb_frame.f_globals.get("__name__", "?")
            event_dict["where"] = f"{module}:{innermost.tb_lineno}"
    return event_dict


def show_values(_logger: object, _method: str, event_dict: EventDict) -> EventDict:
    """Cut long values, and replace what isn't printable: many of them come from strangers."""
    for name, value in event_dict.items():
        if isinstance(value, str):
            event_dict[name] = shown(value.replace("\n", " "), _VALUE_BYTES)
        elif not (value is None or isinstance(value, int | float) or name.startswith("_")):
            event_dict[name] = shown(repr(value), _VALUE_BYTES)
    return event_dict


class Logs:
    """The log of the process."""

    def __init__(self, writer: LogWriter, sampling: LogSampling) -> None:
        self._writer = writer
        self._sampling = sampling

    @property
    def dropped(self) -> int:
        """Lines since the start that weren't written."""
        return self._writer.dropped

    def close(self) -> None:
        """Tell what isn't told yet, and wait a moment until everything is written."""
        self._sampling.close()
        self._writer.flush()

    def on_crash(
        self, kind: type[BaseException], error: BaseException, where: TracebackType | None
    ) -> None:
        """Write the traceback that ends the process, as Python does, but don't wait for long."""
        self._writer.add("".join(traceback.format_exception(kind, error, where)))
        self._writer.flush()


@contextmanager
def logging_to_stderr(settings: Settings) -> Iterator[Logs]:
    """Write every log line of the process in this block, also of libraries, to stderr."""
    logs = configure_logs(settings)
    try:
        yield logs
    finally:
        logs.close()


def configure_logs(settings: Settings) -> Logs:
    """Write every log line of the process, also of libraries, to stderr in one format."""
    sampling, writer = LogSampling(), LogWriter(sys.stderr.fileno())
    writer.on_idle = sampling.tell
    writer.on_room = _tell_of_dropped
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        summarize_exception,
        show_values,
    ]
    console = settings.log_format == "console" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    renderer: list[Processor] = (
        [structlog.dev.ConsoleRenderer()] if console else [structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            sampling.process,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    writer.addFilter(sampling.filter)
    writer.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [writer]
    root.setLevel(settings.log_level.upper())
    logging.getLogger("aiohttp.server").addFilter(_is_our_defect)
    # These two write a line per packet, with its content, at INFO.
    for name in ("socketio", "engineio"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logs = Logs(writer, sampling)
    # Python writes these to stderr by itself, and would wait for who reads it.
    warnings.showwarning = _tell_of_warning
    sys.excepthook = logs.on_crash
    sys.unraisablehook = _tell_of_unraisable
    return logs


def _tell_of_dropped(dropped: int) -> None:
    log.warning("dropped lines of the log, for nobody read them", lines=dropped)


def _tell_of_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    log.warning("Python warns", reason=category.__name__, text=str(message))


def _tell_of_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    log.error("an exception was ignored", exc_info=unraisable.exc_value)
