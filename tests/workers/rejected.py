"""Read what was rejected."""

from __future__ import annotations

import asyncio
from typing import Any


async def rejected(
    redis: Any, number: int, stream: str = "hearth:rejected"
) -> list[dict[str, bytes]]:
    """Wait until so many messages have been rejected; return them, oldest first."""
    async with asyncio.timeout(30):
        while True:
            entries = await redis.xrange(stream)
            if len(entries) >= number:
                return [
                    {key.decode(): value for key, value in fields.items()}
                    for _id, fields in entries
                ]
            await asyncio.sleep(0.01)
