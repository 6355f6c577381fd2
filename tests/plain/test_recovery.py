"""Recovery by `since`: everything that was missed, or a discontinuity."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.clients import Connect
from tests.fixtures.processes import RunReady
from tests.fixtures.servers import Serve
from tests.plain.conftest import TEAM, Open
from tests.support.plain import PlainClient
from tests.support.process import UNLIMITED
from tests.support.ready import until_status
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE, BOB, SERVICE


def place(ack: dict[str, Any]) -> str:
    """Return the `since` of whom a `connection_ack` welcomed."""
    [one] = ack["data"]["channels"]
    return f"{one['epoch']}:{one['offset']}"


def contents(messages: list[dict[str, Any]]) -> list[str]:
    return [one["data"]["content"] for one in messages if one["type"] == "user_message"]


async def test_what_was_missed_comes_after_the_welcome(open_plain: Open, connect: Connect) -> None:
    bob = await connect(token=BOB)
    await bob.say("before")
    plain = await open_plain()
    since = place(await plain.read())
    await plain.socket.close()
    await bob.say("1", "2", "3")

    again = await open_plain(since=since)
    ack = await again.read()
    assert ack["data"]["channels"][0]["recovered"] is True
    missed = [await again.read() for _number in range(3)]
    assert contents(missed) == ["1", "2", "3"]
    await bob.say("4")
    live = await again.next("user_message")
    assert (live["data"]["content"], live["offset"]) == ("4", missed[-1]["offset"] + 1)

    # The offset of a message with the epoch of the welcome does as well.
    later = await open_plain(since=f"{since.split(':')[0]}:{missed[1]['offset']}")
    await later.read()
    assert contents(await later.settle()) == ["3", "4"]


async def test_missing_history_is_reported(
    serve: Serve, connect: Connect, open_plain: Open
) -> None:
    url = str((await serve(history_size=2)).make_url(""))
    bob = await connect(token=BOB, url=url)
    epoch = place(await (await open_plain(url=url)).read()).split(":")[0]
    await bob.say("1", "2", "3", "4")
    for since in (f"{epoch}:1", "another:4", f"{epoch}:9999"):
        plain = await open_plain(url=url, since=since)
        ack = await plain.read()
        [where] = ack["data"]["channels"]
        assert where["recovered"] is False
        lost = await plain.read()
        assert (lost["type"], lost["channel"]) == ("discontinuity", "dev-team")
        assert lost["data"] == {"epoch": where["epoch"], "offset": where["offset"]}
        missed = contents([await plain.read(), *await plain.settle()])
        assert missed[-1] == "4"
        assert missed == ["3", "4"][-len(missed) :]


async def test_without_since_nothing_of_before_comes(open_plain: Open, connect: Connect) -> None:
    await (await connect(token=BOB)).say("before")
    plain = await open_plain()
    assert (await plain.read())["data"]["channels"][0]["offset"] == 1
    assert contents(await plain.settle()) == []


async def test_each_channel_of_a_path_has_its_since(open_plain: Open, connect: Connect) -> None:
    path = "/ws/notifications/alice"
    places = (await (await open_plain(path)).read())["data"]["channels"]
    service = await connect("/notifications", SERVICE)
    for channel in ("user:alice", "broadcast"):
        data = {"message": f"to {channel}", "title": "-"}
        name = "system_announcement" if channel == "broadcast" else "notification"
        assert (await service.request(name, {"channel": channel, "data": data}))["ok"]
    since = tuple(f"{one['epoch']}:{one['offset']}" for one in places)
    for given, expected in (
        (since, ["notification", "system_announcement"]),
        (since[:1], ["notification"]),
        (("", since[1]), ["system_announcement"]),
    ):
        plain = await open_plain(path, since=given)
        await plain.read()
        missed = await plain.settle()
        assert [one["type"] for one in missed] == expected
        if "system_announcement" in expected:
            assert missed[-1]["message"] == "to broadcast"


@pytest.mark.parametrize("since", ["x", "5", ":5", "x:", "x:-1", "x:1.5", "x:y:1", "x:" + "9" * 16])
async def test_a_since_that_is_none_is_refused(open_plain: Open, since: str) -> None:
    plain = await open_plain(since=since)
    assert await plain.refusal() == (4004, "invalid")
    assert list(plain.received[0]["data"]["fields"]) == ["since"]


async def test_two_processes_are_one_to_plain_members_too(
    run_ready: RunReady, connect: Connect, open_plain: Open, redis_server: RedisServer
) -> None:
    one, two = await run_ready(2, **UNLIMITED)
    here, there = await open_plain(url=one.url), await open_plain(url=two.url)
    since = place(await here.read())
    await there.read()
    many = 300  # more than may wait for the broker
    for number in range(many):
        await here.send({"type": "user_message", "content": str(number), "nonce": str(number)})
    expected = [str(number) for number in range(many)]
    for plain in (here, there):
        got = [await plain.next("user_message") for _number in range(many)]
        assert contents(got) == expected
        offsets = [message["offset"] for message in got]
        assert offsets == list(range(offsets[0], offsets[0] + many))

    again = await open_plain(url=two.url, since=since)
    missed = [await again.next("user_message") for _number in range(many)]
    assert contents(missed) == expected

    redis_server.stop()
    await until_status(one.url, 503)
    await here.send({"type": "user_message", "content": "lost", "nonce": "n"})
    failed = await here.next("error")
    assert (failed["data"]["code"], failed["nonce"]) == ("unavailable", "n")
    late: PlainClient = await open_plain(url=one.url, token=ALICE, path=TEAM)
    assert await late.refusal() == (1013, "unavailable")
