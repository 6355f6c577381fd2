"""Who has missed more than one answer holds is restored, and reads the rest at its own pace."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.recovery.conftest import Recovering, connects
from tests.support.client import Client
from tests.support.proxy import Proxy

MISSED = 90
PADDING = "x" * 20_000


def padded(number: int) -> dict[str, Any]:
    channel = "ops" if number % 3 else "dev-team"
    return {"channel": channel, "data": {"content": str(number), "padding": PADDING}}


async def test_all_of_it_comes_once_in_the_order_of_publishing(
    recovering: Recovering, proxy: Proxy, bob: Client
) -> None:
    alice = await recovering(proxy.url)
    for channel in ("dev-team", "ops"):
        await alice.join(channel)
    await bob.request("user_message", padded(0))
    await alice.next("user_message")
    proxy.stop()
    await alice.moment("disconnect")
    for number in range(1, MISSED):
        await bob.request("user_message", padded(number))
    proxy.resume()
    await alice.moment("connect", 2)
    # It is cut off again while the rest is on its way.
    await alice.next("user_message", 30)
    proxy.cut()
    await alice.moment("connect", 3)
    await asyncio.gather(*(bob.request("user_message", padded(MISSED + n)) for n in range(3)))
    await alice.next("user_message", MISSED + 3)
    messages = alice.all("user_message")
    contents = [message["data"]["content"] for message in messages]
    for channel in ("dev-team", "ops"):
        offsets = [one["offset"] for one in messages if one["channel"] == channel]
        assert offsets == list(range(1, len(offsets) + 1))
    assert contents[:MISSED] == [str(number) for number in range(MISSED)]
    assert len(contents) == len(set(contents)) == MISSED + 3
    assert [recovered for _sid, recovered in connects(alice)] == [False, True, True]
