"""Wait for a server to be ready, by asking it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import aiohttp
from aiohttp.test_utils import TestServer

from app.broker.contract import PresenceStore
from app.core.channel import Channel
from app.core.errors import Unavailable


async def until_status(url: str, status: int = 200) -> None:
    """Ask `/readyz` until it answers with `status`."""
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{url.rstrip('/')}/readyz") as response:
                if response.status == status:
                    return
            await asyncio.sleep(0.02)


async def until_ready(server: TestServer) -> None:
    """Return once `server` says that it can serve."""
    await until_status(str(server.make_url("")))


async def until_members(presence: PresenceStore, channel: Channel, *ids: str) -> None:
    """Return once exactly these identities are in a channel."""
    async with asyncio.timeout(30):
        while True:
            with suppress(Unavailable):
                members = await presence.members(channel)
                if sorted(one.identity.id for one in members.first) == sorted(ids):
                    return
            await asyncio.sleep(0.02)


async def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Return once something holds; raise `TimeoutError` when it takes too long."""
    async with asyncio.timeout(seconds):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)
