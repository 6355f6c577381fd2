"""Large messages on their way through a real Redis: they starve nobody, and keep their order."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.fixtures.clients import Connect
from tests.fixtures.processes import RunReady
from tests.support.client import Client
from tests.support.tokens import ALICE, BOB, token

MEGABYTE = "x" * 990_000


async def publish(client: Client, channel: str, contents: list[str]) -> list[Any]:
    """Publish without waiting in between, and return the acknowledgements."""
    return await asyncio.gather(
        *(
            client.request("user_message", {"channel": channel, "data": {"content": content}})
            for content in contents
        )
    )


async def test_who_sends_megabytes_takes_nothing_from_others(
    run_ready: RunReady, connect: Connect
) -> None:
    """So much was more than could be on its way to Redis, and everybody was refused."""
    (process,) = await run_ready(1)
    alice, bob = [await connect(url=process.url, token=one) for one in (ALICE, BOB)]
    await bob.join()
    sending = []
    for name in ("ann", "ben", "cy"):
        attacker = await connect(url=process.url, token=token(name, "user", "*:*:rw"))
        sending.append(asyncio.create_task(publish(attacker, f"of-{name}", 50 * [MEGABYTE])))
    await asyncio.sleep(0)
    await alice.say(*range(40))
    for acks in await asyncio.gather(*sending):
        assert [ack["ok"] for ack in acks] == 50 * [True]
        assert [ack["offset"] for ack in acks] == list(range(1, 51))
    await bob.settle()
    received = [one["data"]["content"] for one in bob.all("user_message")]
    assert received == [str(number) for number in range(40)]


async def test_a_small_message_does_not_overtake_the_large_one_before_it(
    run_ready: RunReady, connect: Connect
) -> None:
    (process,) = await run_ready(1)
    others = await connect(url=process.url, token=BOB)
    filling = asyncio.create_task(publish(others, "elsewhere", 10 * [MEGABYTE]))
    alice = await connect(url=process.url, token=ALICE)
    sizes = [1, 20_000, 1, 1, 900_000, 60_000, 1, 300_000, 1, 17_000, 16_000, 1]
    contents = [f"{number}:" + "x" * size for number, size in enumerate(3 * sizes)]
    acks = await publish(alice, "dev-team", contents)
    assert [ack["offset"] for ack in acks] == list(range(1, len(contents) + 1))
    page = await alice.request("history", {"channel": "dev-team", "limit": 5})
    kept = [one["data"]["content"] for one in page["messages"]]
    assert kept == contents[-len(kept) :]
    await filling
