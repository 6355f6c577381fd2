"""Fixtures: plain clients."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from yarl import URL

from tests.support.plain import PlainClient
from tests.support.tokens import ALICE

Open = Callable[..., Awaitable[PlainClient]]
TEAM = "/ws/circles/dev-team"


@pytest.fixture
def open_plain(server: TestServer, session: aiohttp.ClientSession) -> Open:
    """Return a function that opens a path of `server`, or of another URL.

    Its arguments: the path; the token for the query, None for none; the URL; `since`; `history`;
    further ones
    as aiohttp's `ws_connect` takes them.
    """

    async def open_path(
        path: str = TEAM,
        token: str | None = ALICE,
        url: str = "",
        token_key: str = "token",
        since: str | tuple[str, ...] = (),
        history: object = None,
        **options: Any,
    ) -> PlainClient:
        pairs = [("since", one) for one in ([since] if isinstance(since, str) else since)]
        if history is not None:
            pairs.append(("history", str(history)))
        if token is not None:
            pairs.append((token_key, token))
        base = URL(url) if url else server.make_url("")
        target = URL(f"{base.origin()}{path}", encoded=True).with_query(pairs)
        options.setdefault("max_msg_size", 0)
        return PlainClient(await session.ws_connect(target, **options))

    return open_path
