"""The proxy loses connections in the ways that it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.proxy import Proxy

SILENCE_SECONDS = 0.05


class Both:
    """The two ends of connections through a proxy; the newest one's."""

    def __init__(self) -> None:
        self.proxy: Proxy
        self.near: tuple[asyncio.StreamReader, asyncio.StreamWriter]
        self.far: tuple[asyncio.StreamReader, asyncio.StreamWriter]
        self._accepted: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        self._accepted = asyncio.Queue()

    def accept(self, *streams: asyncio.StreamReader | asyncio.StreamWriter) -> None:
        self._accepted.put_nowait(streams)  # type: ignore[arg-type]

    async def connect(self) -> None:
        self.near = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        self.far = await self._accepted.get()


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    ends = Both()
    server = await asyncio.start_server(ends.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ends.proxy = await Proxy(f"http://127.0.0.1:{port}/path").start()
    await ends.connect()
    yield ends
    await ends.proxy.close()
    server.close()
    for _reader, writer in (ends.near, ends.far):
        writer.transport.abort()


def send(end: tuple[asyncio.StreamReader, asyncio.StreamWriter], data: bytes) -> None:
    end[1].write(data)


async def read(end: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> bytes:
    """Return what comes; nothing when it was closed."""
    async with asyncio.timeout(30):
        try:
            return await end[0].read(100)
        except ConnectionResetError:
            return b""


async def is_silent(end: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> bool:
    """Tell whether neither data nor an end comes."""
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            await end[0].read(100)
    except TimeoutError:
        return True
    return False


async def test_it_passes_on_both_ways(both: Both) -> None:
    send(both.near, b"up")
    send(both.far, b"down")
    assert (await read(both.far), await read(both.near)) == (b"up", b"down")
    both.near[1].close()
    assert await read(both.far) == b""
    assert both.proxy.url == f"http://127.0.0.1:{both.proxy.port}/path"
    assert both.proxy.accepted == 1


async def test_both_are_told_of_a_cut(both: Both) -> None:
    both.proxy.cut()
    assert (await read(both.far), await read(both.near)) == (b"", b"")


async def test_nobody_is_told_of_what_is_half_open(both: Both) -> None:
    both.proxy.stall()
    send(both.near, b"up")
    send(both.far, b"down")
    assert await is_silent(both.near)
    assert await is_silent(both.far)
    far = both.far
    both.near[1].close()
    assert await is_silent(far)
    await both.connect()
    send(both.near, b"new")
    assert await read(both.far) == b"new"
    far[1].transport.abort()


async def test_a_deaf_target_is_still_heard(both: Both) -> None:
    both.proxy.deafen()
    send(both.near, b"up")
    send(both.far, b"down")
    assert await read(both.near) == b"down"
    assert await is_silent(both.far)
    both.far[1].close()
    assert await read(both.near) == b""


async def test_a_target_does_not_know_that_it_is_stranded(both: Both) -> None:
    both.proxy.strand()
    assert await read(both.near) == b""
    assert await is_silent(both.far)


async def test_who_comes_is_refused_until_it_is_over(both: Both) -> None:
    both.proxy.refuse()
    refused = await asyncio.open_connection("127.0.0.1", both.proxy.port)
    assert await read(refused) == b""
    refused[1].close()
    send(both.near, b"up")
    assert await read(both.far) == b"up"
    both.proxy.resume()
    both.near[1].transport.abort()
    both.far[1].transport.abort()
    await both.connect()
    send(both.far, b"down")
    assert await read(both.near) == b"down"
