"""Workers, as stock managers have them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis.asyncio
import socketio


class StockManager(socketio.AsyncRedisManager):  # type: ignore[misc]
    """The stock manager of a worker, which can be closed.

    Stock lets go of a client that has failed without closing it, and Python warns of the connection
    whenever it comes upon that.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self._clients: list[redis.asyncio.Redis] = []
        super().__init__(url, write_only=True, **options)

    async def close(self) -> None:
        """Close all clients that it has had."""
        for client in self._clients:
            await client.aclose()

    def _redis_connect(self) -> None:
        super()._redis_connect()
        self._clients.append(self.redis)


@asynccontextmanager
async def stock_manager(url: str) -> AsyncIterator[StockManager]:
    """A manager that emits through the Redis at `url`."""
    manager = StockManager(url)
    try:
        yield manager
    finally:
        await manager.close()
