"""Which subprotocol is selected, and where a token is among them."""

from __future__ import annotations

import pytest

from app.core.subprotocols import read_subprotocols

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2ln-_nature"


@pytest.mark.parametrize(
    ("header", "selected", "token"),
    [
        ("", None, None),
        ("chat", "chat", None),
        ("chat, superchat", "chat", None),
        (f"bearer, {JWT}", "bearer", JWT),
        (f"bearer,{JWT}", "bearer", JWT),
        (f"chat, bearer, {JWT}, other", "bearer", JWT),
        ("bearer, not.valid", "bearer", None),
        ("bearer, a.b.c", "bearer", "a.b.c"),
        ("bearer, a.b.c.d", "bearer", None),
        (f"access_token.{JWT}", f"access_token.{JWT}", JWT),
        (f"chat, access_token.{JWT}", "chat", JWT),
        (f"access_token.{JWT}, chat", "chat", JWT),
        (f"access_token.{JWT}, v1.chat.org", "v1.chat.org", JWT),
        ("access_token.nonsense", "access_token.nonsense", "nonsense"),
        (JWT, JWT, None),
        (f"b\u00e4r, {JWT}", JWT, None),
        (" , ,chat", "chat", None),
    ],
)
def test_a_header_is_read(header: str, selected: str | None, token: str | None) -> None:
    assert read_subprotocols(header) == (selected, token)
