"""Turns of the event loop, counted."""

from __future__ import annotations

import asyncio
from typing import Final

_TURNS: Final = 2  # see `app.transport.deliveries.Deliveries`


async def until_flushed() -> None:
    """Return once what was sent before is written to members."""
    for _turn in range(_TURNS):
        await asyncio.sleep(0)


async def turns(count: int = 4) -> None:
    """Return after some turns, in which tasks that wait for nothing have gone on."""
    for _turn in range(count):
        await asyncio.sleep(0)
