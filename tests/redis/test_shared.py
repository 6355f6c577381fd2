"""Several processes on one Redis: one order, one history, one set of nonces."""

from __future__ import annotations

import asyncio
import time

from app.hub.hub import Hub
from tests.fixtures.redis import StartBackend
from tests.support.members import RecordingFanOut, new_member
from tests.support.messages import TEAM, message, somebody
from tests.support.ready import until

BOB = somebody("bob", "user", "circles:*:r")


async def test_all_receive_one_order(start_backend: StartBackend) -> None:
    backends = [await start_backend() for _ in range(3)]
    brokers, listeners = [one.broker for one in backends], [one.listener for one in backends]
    for broker in brokers:
        await broker.subscribe(TEAM)

    async def publish(number: int) -> None:
        for count in range(100):
            await brokers[number].publish(TEAM, message(f"{number} {count}", time.time()))

    await asyncio.gather(*(publish(number) for number in range(3)))
    await until(lambda: all(len(listener.received) == 300 for listener in listeners))
    orders = [listener.received for listener in listeners]
    assert orders[0] == orders[1] == orders[2]
    assert [one.offset for _, one in orders[0]] == list(range(1, 301))
    sequences = [one.sequence for _, one in orders[0]]
    assert sequences == sorted(set(sequences))


async def test_a_nonce_is_known_to_all(start_backend: StartBackend) -> None:
    brokers = [(await start_backend()).broker for _ in range(3)]
    receipts = await asyncio.gather(
        *(
            broker.publish(TEAM, message("a", time.time(), nonce_key="alice 1"))
            for broker in brokers * 5
        )
    )
    assert len({(receipt.offset, receipt.epoch, receipt.timestamp) for receipt in receipts}) == 1
    assert [receipt.duplicate for receipt in receipts].count(False) == 1


async def test_joins_under_the_publishing_of_others_see_neither_gap_nor_overlap(
    shared_hub: Hub, fanout: RecordingFanOut, start_backend: StartBackend
) -> None:
    publisher = (await start_backend()).broker
    memberships = shared_hub.memberships
    goes_on = True

    async def publish() -> int:
        count = 0
        while goes_on:
            await publisher.publish(TEAM, message("x", time.time()))
            count += 1
        return count

    publishing = asyncio.create_task(publish())
    answered: dict[str, int] = {}
    for number in range(60):
        member = new_member(f"s{number}", "/circles", BOB)
        async with memberships.joining(member, TEAM, None, None) as result:
            answered[member.sid] = result.recovery.position.offset
            await asyncio.sleep(0.001 * (number % 3))
        if number % 4 == 0:  # the last one leaves, and the channel is subscribed to anew
            for sid, one in list(fanout.members[TEAM].items()):
                await memberships.leave(one, TEAM)
                del answered[sid]
                del fanout.inbox[sid]
    goes_on = False
    head = await publishing
    for sid, offset in answered.items():
        expected = list(range(offset + 1, head + 1))
        inbox = fanout.inbox[sid]
        await until(lambda inbox=inbox, expected=expected: len(inbox) >= len(expected))  # type: ignore[misc]
        assert [one.offset for one in inbox] == expected
