"""The probe, by a clock that passes at once. What it is for is in `test_upgrades`."""

from __future__ import annotations

import asyncio

from app.engine.probe import Probe
from app.transport.websocket import WebSocket
from tests.support.session import RecordingHandler, new_session
from tests.support.transport import RecordingTransport
from tests.support.virtual_loop import run_virtually


def test_one_that_goes_no_further_is_given_up() -> None:
    async def main() -> None:
        transport, handler = RecordingTransport(), RecordingHandler()
        session = new_session(handler)
        Probe(session, WebSocket(1000, 1000, transport))
        await asyncio.sleep(9)
        assert transport.calls == []
        await asyncio.sleep(2)
        assert transport.calls == ["close"]
        assert handler.closed == []  # the session goes on polling
        Probe(session, WebSocket(1000, 1000, RecordingTransport()))  # and may try again

    run_virtually(main)
