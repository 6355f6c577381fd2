"""Polling sessions of which nothing more is heard, by a clock that passes at once."""

from __future__ import annotations

import asyncio

from app.core.closing import Closing
from app.engine.first_requests import FIRST_REQUEST_SECONDS, FirstRequests
from tests.support.session import RecordingHandler, new_session
from tests.support.virtual_loop import run_virtually


def test_who_asks_for_nothing_more_has_gone() -> None:
    async def main() -> None:
        requests, gone, stays = FirstRequests(), RecordingHandler(), RecordingHandler()
        requests.expect(new_session(gone))
        session = new_session(stays)
        requests.expect(session)
        await asyncio.sleep(FIRST_REQUEST_SECONDS - 1)
        assert gone.closed == []
        requests.discard(session)
        await asyncio.sleep(3)
        assert gone.closed == [Closing.PING_TIMEOUT]
        assert stays.closed == []

    run_virtually(main)


def test_what_has_arrived_is_read_before_anybody_is_judged() -> None:
    async def main() -> None:
        requests, handler = FirstRequests(), RecordingHandler()
        session = new_session(handler)
        requests.expect(session)
        await asyncio.sleep(FIRST_REQUEST_SECONDS + 0.1)  # the process stood still
        requests.discard(session)
        await asyncio.sleep(10)
        assert handler.closed == []

    run_virtually(main)
