"""Tokens among the subprotocols that a WebSocket offers."""

from __future__ import annotations

import pytest

from app.core.subprotocol import read_offered

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnLW5hdHVyZV8"


@pytest.mark.parametrize(
    ("header", "token", "selected"),
    [
        (f"bearer, {JWT}", JWT, "bearer"),
        (f"bearer,{JWT}", JWT, "bearer"),
        (f"jwt\t,\t{JWT}", JWT, "jwt"),
        (f"v1.chat, access_token, {JWT}", JWT, "access_token"),
        (f"bearer, {JWT}, other", JWT, "bearer"),
        (f"access_token.{JWT}", JWT, f"access_token.{JWT}"),
        (f"access_token.{JWT}, v1.chat", JWT, "v1.chat"),
        (f"v1.chat, access_token.{JWT}", JWT, "v1.chat"),
        ("", None, None),
        ("chat", None, "chat"),
        ("graphql-ws, graphql", None, "graphql-ws"),
        (JWT, None, JWT),
        ("bearer, a.b", None, "bearer"),
        ("bearer, a.b.", None, "bearer"),
        ("bearer, a.b.c.d", None, "bearer"),
        ("access_token.a.b", None, "access_token.a.b"),
        (f"bearer, , {JWT}", None, None),
        (f"a b, {JWT}", None, None),
        (f"bearer, {JWT}\n", None, None),
        (f"bärer, {JWT}", None, None),
    ],
)
def test_what_is_offered(header: str, token: str | None, selected: str | None) -> None:
    assert read_offered(header) == (token, selected)
