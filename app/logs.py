"""Logs: readable on a terminal, one JSON object a line otherwise."""

from __future__ import annotations

import logging
import sys

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import EventDict, Processor

from app.settings import Settings


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
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        if traceback is not None:
            module = traceback.tb_frame.f_globals.get("__name__", "?")
            event_dict["where"] = f"{module}:{traceback.tb_lineno}"
    return event_dict


def configure_logs(settings: Settings) -> None:
    """Write every log line of the process, also of libraries, to stderr in one format."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        summarize_exception,
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
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    logging.getLogger("aiohttp.server").addFilter(_is_our_defect)
    # These two write a line per packet, with its content, at INFO.
    for name in ("socketio", "engineio"):
        logging.getLogger(name).setLevel(logging.ERROR)
