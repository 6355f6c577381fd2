"""The entry point `python -m app`: serves until SIGTERM, SIGINT or SIGHUP."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

import structlog
import uvloop

from app import __version__
from app.application import create_app
from app.listening import listening
from app.logs import Logs, logging_to_stderr
from app.redis.format import WrongFormat
from app.runner import Runner
from app.settings import Settings, SettingsError, load_settings
from app.start_warnings import warnings
from app.transport.open_files import raise_limit
from app.usage import parse_arguments, report

SHUTDOWN_SECONDS = 5.0

log = structlog.get_logger("hearth")


def main(arguments: Sequence[str] = ()) -> None:
    """Load the settings and serve; exit with one line if they are wrong."""
    asked = parse_arguments(arguments)
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(f"Hearth can't start: {error}")
    if asked.check:
        sys.stdout.write(f"{report(settings)}\n")
        return
    with logging_to_stderr(settings) as logs:
        uvloop.run(serve(settings, logs))


async def serve(settings: Settings, logs: Logs) -> None:
    """Serve until a signal, then close all connections and return."""
    stop = _signals_to_stop()
    for warning in warnings(settings):
        log.warning(warning.event, **warning.details)
    if (raised := raise_limit()) is not None:
        log.info("raised the limit of open files", was=raised.soft, now=raised.hard)
    runner = Runner(create_app(settings, logs=logs), shutdown_timeout=SHUTDOWN_SECONDS)
    try:
        await runner.setup()
    except WrongFormat as error:
        sys.exit(f"Hearth can't start: the Redis of REDIS_URL is another version's: {error}")
    async with AsyncExitStack() as stack:
        host, port = settings.host, settings.port
        try:
            url = await stack.enter_async_context(listening(runner, host, port))
        except OSError as error:
            where = host if host.startswith("/") else f"{host} port {port}"
            sys.exit(
                f"Hearth can't start: can't listen on {where} ({error.strerror or error}); "
                "see HOST and PORT"
            )
        _tune_collector()
        log.info("serving", url=url, version=__version__)
        await stop.wait()
        log.info("stopping")
    log.info("stopped")


def _signals_to_stop() -> asyncio.Event:
    """Return what is set by the first signal to end.

    SIGHUP says that the terminal is gone, and there is nothing to load again: it ends the process
    as SIGTERM does. Where it is ignored from the start, as by `nohup`, that stays so.
    """
    stop = asyncio.Event()
    ending = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        ending.append(signal.SIGHUP)
    for signum in ending:
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    return stop


def _tune_collector() -> None:
    """Exempt the objects of start-up from garbage collection, and collect rarely.

    Messages leave no cycles behind, so collecting every 700 allocations finds nothing; and a full
    collection walks every connection, so its pauses grow with their number.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


if __name__ == "__main__":
    main(sys.argv[1:])
