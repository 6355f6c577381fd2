"""The entry point `python -m app`: serves until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys

import structlog
import uvloop
from aiohttp import web

from app import __version__
from app.application import create_app
from app.logs import configure_logs
from app.runner import Runner
from app.settings import Settings, SettingsError, load_settings
from app.transport.open_files import raise_limit

SHUTDOWN_SECONDS = 5.0
SHORT_SECRET_BYTES = 32  # RFC 7518 §3.2

log = structlog.get_logger("hearth")


def main() -> None:
    """Load the settings and serve; exit with one line if they are wrong."""
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(f"Hearth can't start: {error}")
    configure_logs(settings)
    uvloop.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Serve until a signal, then close all connections and return."""
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    _warn(settings)
    if (raised := raise_limit()) is not None:
        log.info("raised the limit of open files", was=raised.soft, now=raised.hard)
    runner = Runner(create_app(settings), shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        await runner.cleanup()
        sys.exit(
            f"Hearth can't start: can't listen on {settings.host} port {settings.port} "
            f"({error.strerror}); see HOST and PORT"
        )
    _tune_collector()
    port = runner.addresses[0][1]
    log.info("serving", url=f"http://{settings.host}:{port}", version=__version__)
    await stop.wait()
    log.info("stopping")
    await runner.cleanup()
    log.info("stopped")


def _tune_collector() -> None:
    """Exempt the objects of start-up from garbage collection, and collect rarely.

    Messages leave no cycles behind, so collecting every 700 allocations finds nothing; and a full
    collection walks every connection, so its pauses grow with their number.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _warn(settings: Settings) -> None:
    if settings.local:
        log.warning(
            "development mode: everybody on this machine is let in, with all rights; "
            "set AUTH_SECRET to change that"
        )
    elif settings.development:
        log.warning("development mode: everybody is let in; set AUTH_SECRET to change that")
    elif settings.auth_secret and len(settings.auth_secret.encode()) < SHORT_SECRET_BYTES:
        log.warning("AUTH_SECRET is short: 32 bytes or more can't be guessed")


if __name__ == "__main__":
    main()
