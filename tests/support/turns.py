"""Turns of the event loop, counted."""

from __future__ import annotations

import asyncio
from typing import Final

_TURNS: Final = 2  # see `app.transport.deliveries.Deliveries`


async def until_flushed() -> None:
    """Return once what was sent before is written to members."""
    for _turn in range(_TURNS):
        await asyncio.sleep(0)
