"""The life of a connection in namespaces, by a clock that passes at once."""

from __future__ import annotations

import asyncio

from app.core.closing import Closing
from app.realtime.lifecycle import CONNECT_SECONDS
from app.realtime.manager import Manager
from app.realtime.server import Server
from tests.support.session import RecordingHandler, new_session
from tests.support.virtual_loop import run_virtually


def test_who_enters_no_namespace_is_sent_away() -> None:
    async def main() -> None:
        handler = RecordingHandler()
        Server(Manager())._accept(new_session(handler))
        await asyncio.sleep(CONNECT_SECONDS - 1)
        assert handler.closed == []
        await asyncio.sleep(2)
        assert handler.closed == [Closing.NO_NAMESPACE]

    run_virtually(main)
