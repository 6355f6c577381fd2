"""Workers, as stock managers have them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import socketio


@asynccontextmanager
async def stock_manager(url: str) -> AsyncIterator[Any]:
    """A manager that emits through the Redis at `url`; its connections are closed in the end."""
    manager = socketio.AsyncRedisManager(url, write_only=True)
    try:
        yield manager
    finally:
        if manager.redis is not None:
            await manager.pubsub.aclose()
            await manager.redis.aclose()
