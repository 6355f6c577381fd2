"""What is read without PyJWT is exactly what PyJWT reads."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plain_token import PlainTokens
from tests.support.properties import json_like, moderate

SECRET = "a secret of the tests, long enough for HS256"
PLAIN = PlainTokens(SECRET)
NOW = int(time.time())
CLAIMS = {"sub": "alice", "kind": "user", "grants": ["*:*:rw"], "exp": NOW - 10}
OPTIONS: Any = {"require": ["sub"], "verify_exp": False, "verify_aud": False}


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(header: bytes, payload: bytes, secret: str = SECRET) -> str:
    text = f"{encode(header)}.{encode(payload)}"
    return f"{text}.{encode(hmac.digest(secret.encode(), text.encode(), 'sha256'))}"


def read_by_the_library(token: str) -> Any:
    try:
        return jwt.decode(token, SECRET, algorithms=["HS256"], options=OPTIONS)
    except (jwt.InvalidTokenError, UnicodeError):
        return None


HEADER = b'{"alg":"HS256","typ":"JWT"}'
GOOD = jwt.encode(CLAIMS, SECRET, algorithm="HS256")
DOUBTFUL = {
    "another secret": sign(HEADER, json.dumps(CLAIMS).encode(), secret="x" * 32),
    "none": jwt.encode(CLAIMS, None, algorithm="none"),
    "another algorithm": jwt.encode(CLAIMS, SECRET * 2, algorithm="HS512"),
    "no signature": GOOD.rpartition(".")[0] + ".",
    "two segments": GOOD.rpartition(".")[0],
    "four segments": f"{GOOD}.{GOOD.rpartition('.')[2]}",
    "padded": f"{GOOD}=",
    "a blank": f" {GOOD}",
    "a line end": f"{GOOD}\n",
    "not ASCII": f"{GOOD}ö",
    "a lone surrogate": f"{GOOD}\ud800",
    "nothing": "",
    "an unknown header": jwt.encode(CLAIMS, SECRET, headers={"kid": "1"}),
    "a critical header": sign(b'{"alg":"HS256","typ":"JWT","crit":["x"]}', b'{"sub":"a"}'),
    "no object": sign(HEADER, b'["sub"]'),
    "no JSON": sign(HEADER, b"{"),
    "too deep": sign(HEADER, b"[" * 100_000),
    "no sub": sign(HEADER, b"{}"),
    "no text as sub": sign(HEADER, b'{"sub":1}'),
    "not yet": jwt.encode(CLAIMS | {"nbf": NOW + 1000}, SECRET),
    "from the future": jwt.encode(CLAIMS | {"iat": NOW + 1000}, SECRET),
    "an odd iat": jwt.encode(CLAIMS | {"iat": "now"}, SECRET),
    "an issuer": jwt.encode(CLAIMS | {"iss": "somebody"}, SECRET),
    "an audience": jwt.encode(CLAIMS | {"aud": "somebody"}, SECRET),
}


@pytest.mark.parametrize(
    "token",
    [
        GOOD,
        jwt.encode({"sub": "alice"}, SECRET),
        jwt.encode(CLAIMS | {"iat": NOW - 5, "nbf": NOW - 5}, SECRET),
        sign(b'{"typ":"JWT","alg":"HS256"}', '{"sub":"ö", "exp":1e9}'.encode()),
    ],
)
def test_what_is_plain_is_taken(token: str) -> None:
    assert PLAIN.claims(token, time.time()) == read_by_the_library(token) is not None


@pytest.mark.parametrize("token", DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_what_is_doubtful_is_not(token: str) -> None:
    assert PLAIN.claims(token, time.time()) is None


@pytest.mark.parametrize("last", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
def test_left_over_bits_are_read_alike(last: str) -> None:
    header, payload, _ = sign(HEADER, b'{"sub":"a"}').split(".")
    text = f"{header}.{payload[:-1]}{last}"
    token = f"{text}.{encode(hmac.digest(SECRET.encode(), text.encode(), 'sha256'))}"
    assert PLAIN.claims(token, time.time()) in (None, read_by_the_library(token))


@moderate
@given(json_like({"sub", "kind", "grants", "exp", "iat", "nbf", "iss", "aud", "jti"}))
def test_whatever_is_claimed_is_read_alike(claims: Any) -> None:
    token = sign(HEADER, json.dumps(claims).encode())
    assert PLAIN.claims(token, time.time()) in (None, read_by_the_library(token))


@moderate
@given(st.integers(0, len(GOOD)), st.integers(0, 2), st.text("A.=-_+/ é\n", max_size=2))
def test_whatever_is_changed_is_read_alike(at: int, cut: int, put: str) -> None:
    token = GOOD[:at] + put + GOOD[at + cut :]
    assert PLAIN.claims(token, time.time()) in (None, read_by_the_library(token))


def test_a_key_for_something_else_is_no_secret() -> None:
    with pytest.raises(jwt.InvalidKeyError):
        PlainTokens("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")
