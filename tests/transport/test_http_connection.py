"""HTTP connections: what every answer says of the server, and what it doesn't."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestServer

from tests.support.raw import raw_http

POLL = "/socket.io/?EIO=4&transport=polling"


@pytest.mark.parametrize(
    "request_line",
    [
        *("GET /healthz HTTP/1.1", "GET /nothing HTTP/1.1", "GET /console/index.html HTTP/1.1"),
        *(f"GET {POLL} HTTP/1.1", f"GET {POLL}&sid=made-up HTTP/1.1", f"GET /{'x' * 40_000}"),
        *("GET /ws/circles/a HTTP/1.1", "POST /healthz HTTP/1.1", "\x16\x03\x01 is TLS"),
    ],
    ids=lambda line: line[:40],
)
async def test_no_answer_names_the_software(server: TestServer, request_line: str) -> None:
    async with raw_http(server) as connection:
        connection.writer.write(f"{request_line}\r\nHost: localhost\r\n\r\n".encode())
        assert "server" not in (await connection.response()).headers
