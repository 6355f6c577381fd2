"""What arrives at once of a connection is parsed bit by bit, and has to hold something."""

from __future__ import annotations

import pytest

from tests.fixtures.logs import Logs
from tests.support.http import ServeWith, posting, times
from tests.support.raw import raw_http


async def test_requests_that_come_together_are_all_answered(serve_with: ServeWith) -> None:
    server = await serve_with(times())
    async with raw_http(server) as connection:
        head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Large: %b\r\n\r\n" % (b"x" * 5000)
        connection.writer.write(head * 50)
        for _number in range(50):
            assert (await connection.response()).status == 200


async def test_small_chunks_are_bounded(serve_with: ServeWith, logs: Logs) -> None:
    server = await serve_with(times())
    async with posting(server, "Transfer-Encoding: chunked") as connection:
        connection.writer.write(b"1\r\n4\r\n" * 50_000)
        answer = await connection.response()
        assert (answer.status, "chunks are too small" in answer.text) == (400, True)
    assert not logs.tracebacks()


@pytest.mark.parametrize("size", [100, 16_384])
async def test_chunks_that_hold_something_are_not(serve_with: ServeWith, size: int) -> None:
    server = await serve_with(times())
    chunks = [b"4" * size] * (60_000 // size)
    async with posting(server, "Transfer-Encoding: chunked") as connection:
        for chunk in chunks:
            connection.writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        connection.writer.write(b"0\r\n\r\n")
        assert "Bad payload" in (await connection.response()).text  # it was read to its end
