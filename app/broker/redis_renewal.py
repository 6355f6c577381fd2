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
        keys_to_renew: returns each key and its new expiry, in ms.
    """
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        with suppress(Unavailable):  # next time
            await _renew(commands, keys_to_renew())


async def _renew(commands: Commands, keys: list[tuple[str, int]]) -> None:
    for start in range(0, len(keys), _RENEWED_AT_ONCE):
        some = keys[start : start + _RENEWED_AT_ONCE]
        replies = [commands.send("PEXPIRE", key, ms) for key, ms in some]
        await asyncio.gather(*replies, return_exceptions=True)
