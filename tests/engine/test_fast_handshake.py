"""Which handshakes are plain enough to be read without aiohttp."""

from __future__ import annotations

import pytest

from app.engine.fast_handshake import MAX_HEAD_BYTES, MAX_HEADERS, FastHandshakeReader

LINE = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1"
HEADERS = [
    *("Host: localhost:8000", "Connection: Upgrade", "Upgrade: websocket"),
    *("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
]
reader = FastHandshakeReader("/socket.io/")


def head(line: str = LINE, headers: list[str] | None = None, end: str = "\r\n") -> bytes:
    return "".join(f"{one}{end}" for one in [line, *(headers or HEADERS), ""]).encode("latin-1")


def but(*changed: str) -> list[str]:
    """Return the headers with these instead of those of the same names; `Name` takes one out."""
    names = {one.partition(":")[0].lower() for one in changed}
    kept = [one for one in HEADERS if one.partition(":")[0].lower() not in names]
    return kept + [one for one in changed if ":" in one]


PLAIN = {
    "as it is": head(),
    "another order": head(headers=HEADERS[::-1]),
    "lower case": head(headers=[one.lower() for one in HEADERS[:4]] + HEADERS[4:]),
    "as Firefox": head(headers=but("Connection: keep-alive, Upgrade")),
    "without blanks": head(headers=[one.replace(": ", ":") for one in HEADERS]),
    "with many blanks": head(headers=[one.replace(": ", ":   ") + "  " for one in HEADERS]),
    "a token in the query": head(LINE.replace("EIO=4", "EIO=4&token=a.b-c_%2B&t=x")),
    "an origin": head(headers=[*HEADERS, "Origin: http://localhost:8000"]),
    "extensions": head(headers=[*HEADERS, "Sec-WebSocket-Extensions: permessage-deflate; a=1"]),
    "an empty header": head(headers=[*HEADERS, "X-Empty:"]),
}
DOUBTFUL = {
    "nothing": b"",
    "the first half": head()[:100],
    "without its end": head()[:-2],
    "not HTTP": b"\x16\x03\x01\x02\x00",
    "an empty line first": b"\r\n" + head(),
    "POST": head(LINE.replace("GET", "POST")),
    "get": head(LINE.replace("GET", "get")),
    "HTTP/1.0": head(LINE.replace("1.1", "1.0")),
    "HTTP/2.0": head(LINE.replace("1.1", "2.0")),
    "two blanks": head(LINE.replace("GET ", "GET  ")),
    "line ends of one byte": head(end="\n"),
    "another path": head(LINE.replace("socket.io", "other.io")),
    "another path, deeper": head(LINE.replace("/socket.io/", "/socket.io/a/")),
    "no slash at the end": head(LINE.replace("/socket.io/", "/socket.io")),
    "an encoded path": head(LINE.replace("socket", "%73ocket")),
    "an absolute target": head(LINE.replace("/socket.io", "http://localhost/socket.io")),
    "no query": head("GET /socket.io/ HTTP/1.1"),
    "a fragment": head(LINE.replace(" HTTP", "#a HTTP")),
    "another transport": head(LINE.replace("websocket", "polling")),
    "another version": head(LINE.replace("EIO=4", "EIO=3")),
    "no version": head(LINE.replace("EIO=4&", "")),
    "a session": head(LINE.replace("EIO=4", "EIO=4&sid=a")),
    "an encoded session": head(LINE.replace("EIO=4", "EIO=4&%73id=a")),
    "a parameter twice": head(LINE.replace("EIO=4", "EIO=4&EIO=4")),
    "a parameter without value": head(LINE.replace("EIO=4", "EIO=4&a")),
    "an odd separator": head(LINE.replace("EIO=4", "EIO=4;a=b")),
    "no host": head(headers=but("Host")),
    "a header twice": head(headers=[*HEADERS, "host: localhost:8000"]),
    "any header twice": head(headers=[*HEADERS, "X-A: 1", "x-a: 2"]),
    "a folded header": head(headers=[*HEADERS, "X-A: 1", " 2"]),
    "a blank before the colon": head(headers=[*HEADERS, "X-A : 1"]),
    "an underscore": head(headers=[*HEADERS, "X_A: 1"]),
    "no name": head(headers=[*HEADERS, ": 1"]),
    "no colon": head(headers=[*HEADERS, "X-A"]),
    "a tab": head(headers=[*HEADERS, "X-A:\t1"]),
    "a NUL": head(headers=[*HEADERS, "X-A: \0"]),
    "a bare CR": head(headers=[*HEADERS, "X-A: \rX-B: 1"]),
    "not ASCII": head(headers=[*HEADERS, "X-A: ö"]),
    "an empty body": head(headers=[*HEADERS, "Content-Length: 0"]),
    "a chunked body": head(headers=[*HEADERS, "Transfer-Encoding: chunked"]),
    "a question first": head(headers=[*HEADERS, "Expect: 100-continue"]),
    "the old WebSocket": head(headers=[*HEADERS, "Sec-WebSocket-Key1: a"]),
    "no upgrade": head(headers=but("Upgrade")),
    "another upgrade": head(headers=but("Upgrade: h2c")),
    "no connection": head(headers=but("Connection")),
    "a connection to be closed": head(headers=but("Connection: close, Upgrade")),
    "an old version": head(headers=but("Sec-WebSocket-Version: 8")),
    "no key": head(headers=but("Sec-WebSocket-Key")),
    "a short key": head(headers=but("Sec-WebSocket-Key: short")),
    "a key that is none": head(headers=but("Sec-WebSocket-Key: ????????????????????????")),
    "too long": head(headers=[*HEADERS, f"X-A: {'a' * MAX_HEAD_BYTES}"]),
    "too many": head(headers=[*HEADERS, *(f"X-{number}: a" for number in range(MAX_HEADERS))]),
}


@pytest.mark.parametrize("data", PLAIN.values(), ids=PLAIN.keys())
def test_what_is_plain_is_read(data: bytes) -> None:
    opening = reader.read(data)
    assert opening is not None
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n" in opening.reply
    assert opening.headers["host"] == "localhost:8000"
    assert opening.rest == b""


@pytest.mark.parametrize("data", DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_what_is_doubtful_is_not(data: bytes) -> None:
    assert reader.read(data) is None


def test_it_says_what_was_sent_and_what_came_behind() -> None:
    opening = reader.read(head(LINE.replace("EIO", "a=%2F&EIO")) + b"\x81\x80GET /")
    assert opening is not None
    assert opening.target == "/socket.io/?a=%2F&EIO=4&transport=websocket"
    assert [f"{name}: {value}" for name, value in opening.headers.items()] == [
        f"{name.lower()}:{rest}" for name, _, rest in (one.partition(":") for one in HEADERS)
    ]
    assert opening.rest == b"\x81\x80GET /"
