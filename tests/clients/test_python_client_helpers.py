"""Agents in Python: who one is, who is there, who types, what is read, and what means nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import hearth_realtime
import pytest
from aiohttp.test_utils import TestServer
from hearth_realtime import HearthError

from app.app_keys import SERVER
from tests.fixtures.proxies import Through
from tests.fixtures.servers import Serve
from tests.support.agents import contents, take
from tests.support.ready import until
from tests.support.tokens import AGENT, ALICE, BOB, SERVICE, token


async def test_who_one_is(server: TestServer) -> None:
    url = str(server.make_url(""))
    async with hearth_realtime.connect(url, token=AGENT) as agent:
        assert agent.identity is None
        circle = await agent.circle("dev-team")
        assert agent.identity == {"id": "agent-7", "kind": "agent"}
        await circle.publish("agent_message", {"agent_id": "agent-7", "content": "Hi"})
        (message,) = await take(circle, 1)
        assert message.sender == agent.identity


async def test_who_is_there(server: TestServer, through: Through) -> None:
    url = str(server.make_url(""))
    proxy = await through(url)
    async with hearth_realtime.connect(proxy.url, token=ALICE) as alice:
        circle = await alice.circle("dev-team")
        assert circle.members == [{"id": "alice", "kind": "user"}]
        async with hearth_realtime.connect(url, token=AGENT) as agent:
            await agent.circle("dev-team")
            await until(lambda: {"id": "agent-7", "kind": "agent"} in circle.members)
            proxy.stop()
            await until(lambda: circle.state == "recovering")
        proxy.resume()
        await until(lambda: circle.members == [{"id": "alice", "kind": "user"}])
    async with hearth_realtime.connect(url, token=token("alice", "user")) as alice:
        broadcast = await alice.notifications("broadcast")
        assert broadcast.members == []  # one may not see them


async def test_typing_ends_with_its_block(
    server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearth_realtime.channel, "TYPING_SECONDS", 0.01)
    url = str(server.make_url(""))
    async with (
        hearth_realtime.connect(url, token=ALICE) as alice,
        hearth_realtime.connect(url, token=BOB) as bob,
    ):
        hers, his = await alice.circle("dev-team"), await bob.circle("dev-team")
        with suppress(LookupError):
            async with hers.typing():
                # As long as one types it is said again.
                assert {one.data["typing"] for one in await take(his, 3)} == {True}
                raise LookupError("no answer")
        async for message in his:
            if message.type == "typing" and not message.data["typing"]:
                break


async def test_typing_without_a_connection_does_no_harm(
    server: TestServer, through: Through
) -> None:
    proxy = await through(str(server.make_url("")))
    async with hearth_realtime.connect(proxy.url, token=ALICE) as alice:
        circle = await alice.circle("dev-team")
        proxy.stop()
        await until(lambda: circle.state == "recovering")
        async with circle.typing():
            proxy.resume()
            await circle.publish("user_message", {"content": "back"})


async def test_what_one_device_has_read_the_other_knows(server: TestServer) -> None:
    url = str(server.make_url(""))
    async with (
        hearth_realtime.connect(url, token=ALICE) as phone,
        hearth_realtime.connect(url, token=ALICE) as laptop,
        hearth_realtime.connect(url, token=SERVICE) as service,
    ):
        on_phone, on_laptop = await phone.notifications(), await laptop.notifications()
        notice = {"id": "n1", "title": "Build", "message": "It is green"}
        await service.publish("/notifications", "user:alice", "notification", notice)
        told = await anext(on_phone)
        assert told.data == notice
        await on_phone.mark_read("n1")
        await on_phone.mark_read()
        seen = [(message.type, message.data) for message in [await anext(on_laptop) for _ in "123"]]
        assert seen[1:] == [
            ("notification_read", {"ids": ["n1"]}),
            ("notification_read", {"all": True}),
        ]
        with pytest.raises(HearthError, match="forbidden"):
            await (await phone.notifications("broadcast")).mark_read("n1")


async def test_an_event_without_data_is_nothing(server: TestServer) -> None:
    """Workers emit what no schema checks to session ids, or with `skip_sid`."""
    async with hearth_realtime.connect(str(server.make_url("")), token=ALICE) as alice:
        circle = await alice.circle("dev-team")
        connection = alice._links["/circles"].connection
        realtime = server.app[SERVER]
        for data in (None, (), "text", 7, [1], b"bytes", {"type": "x"}, {"nested": b"bytes"}, {}):
            await realtime.emit(
                "refresh", data, room="dev-team", skip_sid="?", namespace="/circles"
            )
            await realtime.emit("user_message", data, room="dev-team", skip_sid="?",
                                namespace="/circles")  # fmt: skip
        ((sid, _),) = realtime.manager.get_participants("/circles", None)
        assert await realtime.call("anybody?", to=sid, namespace="/circles") is None
        await circle.publish("user_message", {"content": "Hi"})
        assert contents(await take(circle, 1)) == ["Hi"]
        assert alice._links["/circles"].connection is connection


async def test_an_answer_of_many_parts(server: TestServer) -> None:
    """What doesn't fit into the answer to a join follows, and the channel isn't live before."""
    url = str(server.make_url(""))
    texts = [f"{number:03}" + "x" * 6000 for number in range(300)]
    async with (
        hearth_realtime.connect(url, token=ALICE) as alice,
        hearth_realtime.connect(url, token=BOB, max_unread=5000) as bob,
    ):
        hers = await alice.circle("dev-team")
        first = (await hers.publish("user_message", {"content": "first"})).offset
        await asyncio.gather(*(hers.publish("user_message", {"content": text}) for text in texts))
        newest = await bob.circle("dev-team", history=300)
        assert newest.state == "recovering"
        assert sorted(contents(await take(newest, 300))) == texts
        await until(lambda: newest.state == "live")
        await newest.leave()
        (message,) = (await hers.history(limit=1, before=(first or 0) + 1)).messages
        since = await bob.circle("dev-team", since=message.position)
        assert sorted(contents(await take(since, 300))) == texts
        # The page is the newest that fit into one answer, and those before are to be had.
        page = await since.history(limit=300)
        assert 0 < len(page.messages) < 300
        assert page.more


async def test_a_slow_reader_of_large_messages(server: TestServer) -> None:
    url = str(server.make_url(""))
    texts = [f"{number:03}" + "x" * 30_000 for number in range(60)]
    async with (
        hearth_realtime.connect(url, token=ALICE) as alice,
        hearth_realtime.connect(url, token=BOB, max_unread=30) as bob,
    ):
        hers, his = await alice.circle("dev-team"), await bob.circle("dev-team")
        for text in texts:
            await hers.publish("user_message", {"content": text})
        assert contents(await take(his, 60)) == texts
        assert his.state == "live"


async def test_a_message_larger_than_aiohttp_takes_by_itself(serve: Serve) -> None:
    url = str((await serve(max_message_bytes=6_000_000)).make_url(""))
    async with hearth_realtime.connect(url, token=ALICE) as alice:
        circle = await alice.circle("dev-team")
        text = "x" * 5_000_000
        await circle.publish("user_message", {"content": text})
        assert contents(await take(circle, 1)) == [text]


async def test_the_size_of_a_message_is_that_of_its_utf_8(serve: Serve) -> None:
    url = str((await serve(max_message_bytes=4000)).make_url(""))
    async with hearth_realtime.connect(url, token=ALICE) as alice:
        circle = await alice.circle("dev-team")
        text = "я" * 1500
        await circle.publish("user_message", {"content": text})
        assert contents(await take(circle, 1)) == [text]
        with pytest.raises(HearthError, match="too_large"):
            await circle.publish("user_message", {"content": "я" * 2000})
        with pytest.raises(HearthError, match="invalid"):
            await circle.publish("user_message", {"content": "\ud83d"})
