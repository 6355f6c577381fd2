"""Renewal of the keys of channels with members, so that Redis doesn't expire them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from app.broker.keys import RENEW_SECONDS
from app.core.errors import Unavailable
from app.redis.commands import Commands

_RENEWED_AT_ONCE: Final = 200


async def renew_for_ever(
    commands: Commands, keys_to_renew: Callable[[], list[tuple[str, int]]]
) -> None:
    """Renew keys every `RENEW_SECONDS`.

    Args:
        keys_to_renew: returns each key, and for how long at least it is to be there, in ms.
    """
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        with suppress(Unavailable):  # next time
            await _renew(commands, keys_to_renew())


async def _renew(commands: Commands, keys: list[tuple[str, int]]) -> None:
    for start in range(0, len(keys), _RENEWED_AT_ONCE):
        some = keys[start : start + _RENEWED_AT_ONCE]
        left = await asyncio.gather(
            *(commands.send("PTTL", key) for key, _ms in some), return_exceptions=True
        )
        replies = [
            commands.send("PEXPIRE", key, ms)
            for (key, ms), left_ms in zip(some, left, strict=True)
            if isinstance(left_ms, int) and 0 <= left_ms < ms  # below 0: it needs none
        ]
        await asyncio.gather(*replies, return_exceptions=True)
