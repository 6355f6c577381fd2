"""What connect handlers see of the request: python-socketio's `environ`, with fewer lies."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from engineio.async_drivers.aiohttp import translate_request

from app.transport.handshake import MOST_KEPT_BYTES, Handshake

PATH = "/socket.io/?EIO=4&transport=polling&token=%C3%B6"
HEADERS = [
    ("Host", "example.com:8000"),
    ("Origin", "https://example.com"),
    ("User-Agent", "a test"),
    ("Accept-Language", "de, en;q=0.5"),
    ("Cookie", "a=1; b=2"),
    ("Authorization", "Bearer a:b"),
    ("Sec-WebSocket-Protocol", "bearer, a.b.c"),
    ("X-Odd", "a: b, c"),
]
#: What no connect handler asks for, and what proxies say who may not be trusted.
NOT_KEPT = [
    *(("Accept", "*/*"), ("Accept-Encoding", "gzip"), ("Content-Type", "text/plain")),
    *(("Content-Length", "0"), ("Connection", "Upgrade"), ("X_Odd", "forged")),
    *(("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https")),
]


def request(*headers: tuple[str, str], path: str = PATH) -> web.Request:
    raw = tuple((name.encode(), value.encode()) for name, value in headers)
    made = make_mocked_request("GET", path, headers=dict(headers))
    made._message = made._message._replace(raw_headers=raw)
    return made


# What stock makes up, or (the query) decodes, so that who parses it decodes it twice; and what ran.
STOCKS_OWN = {
    "SERVER_SOFTWARE",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "SERVER_NAME",
    "SERVER_PORT",
    "QUERY_STRING",
}


def test_it_is_what_the_stock_driver_makes() -> None:
    made = request(*HEADERS)
    stock = translate_request(made)
    names = {name for name in stock if name.isupper()} - STOCKS_OWN
    assert {"HTTP_HOST", "HTTP_COOKIE", "HTTP_X_ODD", "RAW_URI"} <= names
    environ = Handshake.of(made).environ
    assert {name: environ.get(name) for name in names} == {name: stock[name] for name in names}


@pytest.mark.parametrize(
    ("name", "expected"),
    {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/socket.io/",
        "QUERY_STRING": "EIO=4&transport=polling&token=%C3%B6",
        "HTTP_AUTHORIZATION": "Bearer a:b",
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
    }.items(),
)
def test_it_says_what_pep_3333_says(name: str, expected: Any) -> None:
    assert Handshake.of(request(*HEADERS)).environ[name] == expected


def test_a_header_that_came_twice_is_joined() -> None:
    made = request(("X-Odd", "a"), ("x-odd", "b"))
    assert Handshake.of(made).environ["HTTP_X_ODD"] == "a,b"


def test_nobody_is_believed_here_who_says_where_it_comes_from() -> None:
    """The gate knows whom to believe, and hands on a request whose `remote` and `scheme` are so."""
    forged = request(("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "192.0.2.1"))
    environ = Handshake.of(forged).environ
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == ("", "http")
    told = forged.clone(remote="192.0.2.1", scheme="https")
    environ = Handshake.of(told).environ
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == ("192.0.2.1", "https")


def test_bytes_that_are_no_utf_8_do_no_harm() -> None:
    made = request()
    made._message = made._message._replace(raw_headers=((b"X-Odd", b"\xff"), (b"X-Even", b"ok")))
    environ = Handshake.of(made).environ
    assert (environ["HTTP_X_ODD"], environ["HTTP_X_EVEN"]) == ("\ufffd", "ok")


def test_what_nobody_asks_for_is_not_kept() -> None:
    assert (
        Handshake.of(request(*HEADERS, *NOT_KEPT)).environ
        == Handshake.of(request(*HEADERS)).environ
    )


def kept_bytes(handshake: Handshake) -> int:
    return len(handshake._head)


@pytest.mark.parametrize(
    "credentials",
    [
        ("Authorization", f"bearer {'t' * 10_000}"),
        ("Sec-WebSocket-Protocol", f"bearer, a.b.{'t' * 10_000}"),
    ],
    ids=lambda header: str(header[0]),
)
def test_large_headers_are_not_kept_but_for_the_token(credentials: tuple[str, str]) -> None:
    many = [(f"X-{number}", "x" * 300) for number in range(20)]
    for headers in ([("Cookie", "c" * 15_000)], many, [("Authorization", f"Basic {'b' * 9000}")]):
        made = Handshake.of(request(("Host", "a.example"), *headers))
        assert kept_bytes(made) < MOST_KEPT_BYTES + 200
        assert made.environ["HTTP_HOST"] == "a.example"
    made = Handshake.of(request(credentials, ("Cookie", "c" * 5000), ("User-Agent", "u" * 3000)))
    assert kept_bytes(made) < len(credentials[1]) + 200
    key = f"HTTP_{credentials[0].upper().replace('-', '_')}"
    assert made.environ[key] == credentials[1]


def test_the_largest_go_first() -> None:
    made = Handshake.of(request(("Cookie", "c" * 5000), ("User-Agent", "u" * 3000), ("Host", "h")))
    assert {"HTTP_USER_AGENT", "HTTP_HOST"} <= made.environ.keys()
    assert "HTTP_COOKIE" not in made.environ


def test_each_is_told_on_its_own() -> None:
    handshake = Handshake.of(request(*HEADERS))
    handshake.environ["PATH_INFO"] = "changed"
    assert handshake.environ["PATH_INFO"] == "/socket.io/"
