"""Where a token is looked for in a handshake (docs/protocol.md, "Identity and permission")."""

from __future__ import annotations

from typing import Any

import pytest

from app.auth import find_token
from app.core.errors import Unauthorized

AUTH, QUERY, HEADER = {"token": "a"}, "token=q&access_token=q2", "Bearer h"


@pytest.mark.parametrize(
    ("auth", "query", "header", "found"),
    [
        (AUTH, QUERY, HEADER, "a"),
        (None, QUERY, HEADER, "h"),
        (None, QUERY, "", "q"),
        (None, "access_token=q2", "", "q2"),
        (None, "access_token=q2&token=q", "", "q"),
        (None, QUERY, "Basic YTpi", "q"),
        (None, QUERY, "Bearer ", "q"),
        (None, "EIO=4&transport=websocket", HEADER, "h"),
        (None, "token=", HEADER, "h"),
        (None, "", "bearer  h ", "h"),
        (None, "", "Basic YTpi", None),
        (None, "", "Bearer ", None),
        (None, "", "Bearer", None),
        (None, "", "", None),
        ({}, QUERY, "", "q"),
        ({"token": None}, QUERY, "", "q"),
        ({"recover": True}, "", HEADER, "h"),
        ({"token": ""}, "", "", None),
        (["token"], "", HEADER, "h"),
        ("a", "", HEADER, "h"),
        (None, "token=a%2Bb", "", "a+b"),
        (None, "xtoken=q", "", None),
    ],
)
def test_where_a_token_is_found(auth: Any, query: str, header: str, found: str | None) -> None:
    environ = {"QUERY_STRING": query, "HTTP_AUTHORIZATION": header}
    assert find_token(environ, auth) == found


@pytest.mark.parametrize(
    ("auth", "query", "header", "found"),
    [(AUTH, QUERY, HEADER, "a"), (None, QUERY, HEADER, "h"), (None, QUERY, "", "s.s.s")],
)
def test_a_subprotocol_comes_before_the_query(
    auth: Any, query: str, header: str, found: str
) -> None:
    environ = {"QUERY_STRING": query, "HTTP_AUTHORIZATION": header}
    environ["HTTP_SEC_WEBSOCKET_PROTOCOL"] = "bearer, s.s.s"
    assert find_token(environ, auth) == found


def test_a_handshake_without_query_and_header() -> None:
    assert find_token({}, None) is None


@pytest.mark.parametrize("token", [5, True, ["a"], {"a": "b"}])
def test_a_token_that_is_no_text_is_refused(token: Any) -> None:
    with pytest.raises(Unauthorized):
        find_token({"QUERY_STRING": QUERY}, {"token": token})
