"""`python -m tests.support.closing`: `python -m app`, that closes every transport at SIGUSR1.

The engine does so by itself where a transport breaks its rules; this is how a test has it done to
one that doesn't.
"""

from __future__ import annotations

import asyncio
import signal

from aiohttp import web

from app import __main__ as program
from app.app_keys import SERVER
from app.application import create_app
from app.logs import Logs
from app.settings import Settings

CLOSE_TRANSPORTS = signal.SIGUSR1


def create_closing_app(settings: Settings, logs: Logs) -> web.Application:
    """Return the application."""
    app = create_app(settings, logs=logs)
    closing: set[asyncio.Task[None]] = set()

    def close_transports() -> None:
        task = asyncio.ensure_future(app[SERVER].eio.disconnect())
        closing.add(task)
        task.add_done_callback(closing.discard)

    async def listen(_app: web.Application) -> None:
        asyncio.get_running_loop().add_signal_handler(CLOSE_TRANSPORTS, close_transports)

    app.on_startup.append(listen)
    return app


def main() -> None:
    """Serve the application."""
    vars(program)["create_app"] = create_closing_app
    program.main()


if __name__ == "__main__":
    main()
