"""What agents in Python read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from hearth_realtime import Channel, Message


async def take(channel: Channel, number: int, taken: list[Message] | None = None) -> list[Message]:
    """Return the next messages that people and agents have published; `taken` has them so far."""
    taken = [] if taken is None else taken
    async with asyncio.timeout(60):
        async for message in channel:
            if message.type in {"user_message", "agent_message", "typing", "discontinuity"}:
                taken.append(message)
            if len(taken) == number:
                break
    return taken


def contents(messages: Sequence[Message]) -> list[Any]:
    """Return what was said, or the type where nothing was."""
    return [message.data.get("content", message.type) for message in messages]
