"""Agents in Python (clients/python): what they see while all is well."""

from __future__ import annotations

import asyncio
from typing import Any

import hearth_realtime
import pytest
from aiohttp.test_utils import TestServer
from hearth_realtime import Channel, HearthError

from app.core import errors
from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.agents import contents, take
from tests.support.tokens import AGENT, ALICE, SERVICE, token


async def test_an_agent_answers_a_user(server: TestServer) -> None:
    url = str(server.make_url(""))
    async with (
        hearth_realtime.connect(url, token=AGENT) as agent,
        hearth_realtime.connect(url, token=ALICE) as alice,
    ):
        hers = await alice.circle("dev-team")
        circle = await agent.circle("dev-team")
        asked = await hers.publish("user_message", {"content": "Hi"}, nonce="n1", action="created")
        (question,) = await take(circle, 1)
        assert (question.type, question.data) == ("user_message", {"content": "Hi"})
        assert question.sender == {"id": "alice", "kind": "user"}
        assert (question.nonce, question.action) == ("n1", "created")
        assert question.position == (asked.offset, asked.epoch)
        assert (question.timestamp, asked.duplicate) == (asked.timestamp, False)
        await circle.publish("agent_message", {"content": "Yes"})
        assert contents(await take(hers, 2)) == ["Hi", "Yes"]
        assert (await hers.publish("user_message", {"content": "Hi"}, nonce="n1")).duplicate
        page = await hers.history(limit=1)
        assert (contents(page.messages), page.more) == (["Yes"], True)
        assert contents((await hers.history(before=page.messages[0].offset)).messages)[-1] == "Hi"
        presence = await circle.presence()
        assert {member.id for member in presence.members} == {"alice", "agent-7"}
        assert (presence.count, circle.state) == (2, "live")


async def test_what_is_not_kept_is_handed_over_too(server: TestServer) -> None:
    url = str(server.make_url(""))
    async with (
        hearth_realtime.connect(url, token=AGENT) as agent,
        hearth_realtime.connect(url, token=ALICE) as alice,
    ):
        circle = await agent.circle("dev-team")
        receipt = await alice.publish("/circles", "dev-team", "typing", {"typing": True})
        assert receipt.offset is None
        (typing,) = await take(circle, 1)
        assert (typing.data, typing.offset, typing.position) == ({"typing": True}, None, None)


async def test_many_channels_and_namespaces(server: TestServer) -> None:
    async with hearth_realtime.connect(str(server.make_url("")), token=SERVICE) as hearth:
        channels: list[tuple[Channel, str, dict[str, Any]]] = [
            (await hearth.workspace("website"), "file_changed", {"path": "a.py"}),
            (await hearth.agent("agent-7"), "agent_activity", {"activity": "thinking"}),
            (await hearth.feed("codeworm:logs"), "log", {"line": "one"}),
            (await hearth.feed("codeworm:events"), "event", {"line": "two"}),
            (await hearth.notifications(), "system_announcement", {"message": "Hello"}),
            (
                await hearth.notifications("user:bob"),
                "notification",
                {"title": "A", "message": "B"},
            ),
            (await hearth.channel("/feeds", "other"), "log", {"line": "three"}),
        ]
        for channel, message_type, data in channels:
            await channel.publish(message_type, data)
        for channel, message_type, data in channels:
            message = await anext(channel)
            assert (message.channel, message.type) == (channel.name, message_type)
            assert message.data == data
        assert channels[4][0].name == "broadcast"
        assert await hearth.feed("other") is channels[6][0]
    async with hearth_realtime.connect(str(server.make_url("")), token=ALICE) as hearth:
        assert (await hearth.notifications()).name == "user:alice"
        chat = await hearth.chat("flow/app/1")
        await chat.publish("user_message", {"content": "Hi"})
        assert contents(await take(chat, 1)) == ["Hi"]


async def test_a_channel_begins_where_it_is_asked_to(server: TestServer) -> None:
    url = str(server.make_url(""))
    async with hearth_realtime.connect(url, token=ALICE) as hearth:
        circle = await hearth.circle("dev-team")
        for number in range(5):
            await circle.publish("user_message", {"content": str(number)})
        middle = (await take(circle, 3))[-1].position
    async with hearth_realtime.connect(url, token=ALICE) as hearth:
        assert contents(await take(await hearth.circle("dev-team", since=middle), 2)) == ["3", "4"]
    async with hearth_realtime.connect(url, token=ALICE) as hearth:
        assert contents(await take(await hearth.circle("dev-team", history=1), 1)) == ["4"]


async def test_errors_have_codes(serve: Serve) -> None:
    server = await serve(max_message_bytes=2000)
    url = str(server.make_url(""))
    grants = ["circles:dev-team:rw", "circles:lobby:w"]
    async with hearth_realtime.connect(url, token=token("alice", "user", *grants)) as hearth:
        circle = await hearth.circle("dev-team")
        failing: list[tuple[str, Any, str]] = [
            ("user_message", {"content": 7}, "invalid"),
            ("user_message", {"content": float("nan")}, "invalid"),
            ("user_message", {"content": b"bytes"}, "invalid"),
            ("nothing", {}, "invalid"),
            ("agent_message", {"agent_id": 7, "content": "Hi"}, "forbidden"),
            ("user_message", {"content": "x" * 1990}, "too_large"),
            ("user_message", {"content": "x" * 50_000}, "too_large"),
        ]
        for message_type, data, code in failing:
            with pytest.raises(HearthError) as caught:
                await circle.publish(message_type, data)
            assert caught.value.code == code
            assert code in str(caught.value)
        with pytest.raises(HearthError) as caught:
            await circle.publish("user_message", {})
        assert "data.content" in caught.value.fields
        for name in ("lobby", "elsewhere"):
            with pytest.raises(HearthError, match="forbidden"):
                await hearth.circle(name)
        with pytest.raises(HearthError, match="invalid"):
            await hearth.circle("no~such~name")
        with pytest.raises(HearthError, match="invalid"):
            await hearth.channel("/nowhere", "x")
        with pytest.raises(ValueError, match="240"):
            await circle.publish("user_message", {"content": "Hi"}, timeout=241)
        assert (await hearth.publish("/circles", "lobby", "user_message", {"content": "Hi"})).offset
        assert circle.state == "live"
    with pytest.raises(HearthError, match="closed"):
        await circle.publish("user_message", {"content": "Hi"})
    with pytest.raises(HearthError, match="closed"):
        await hearth.circle("dev-team")


async def test_a_rate_limit_is_waited_for(serve: Serve) -> None:
    url = str((await serve(messages_per_second=20)).make_url(""))
    async with hearth_realtime.connect(url, token=ALICE) as hearth:
        circle = await hearth.circle("dev-team")
        sends = [circle.publish("user_message", {"content": str(n)}) for n in range(60)]
        receipts = await asyncio.gather(*sends)
        assert len({receipt.offset for receipt in receipts}) == 60


def test_what_is_temporary_is_the_servers_to_say_and_follows_from_the_code_else() -> None:
    codes = ["rate_limited", "unavailable", "internal", "token_expired", "forbidden", "new"]
    old = [HearthError.from_wire({"code": code}).temporary for code in codes]
    assert old == [True, True, True, False, False, False]
    for said in (True, False):
        told = [HearthError.from_wire({"code": code, "temporary": said}) for code in codes]
        assert {error.temporary for error in told} == {said}


@pytest.mark.usefixtures("untold_rate")
async def test_what_an_older_server_fails_in_is_tried_again_by_its_code(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_dict = errors.HearthError.to_dict

    def without_temporary(error: errors.HearthError) -> dict[str, Any]:
        return {key: value for key, value in to_dict(error).items() if key != "temporary"}

    monkeypatch.setattr(errors.HearthError, "to_dict", without_temporary)
    url = str((await serve(messages_per_second=20)).make_url(""))
    async with hearth_realtime.connect(url, token=ALICE) as hearth:
        circle = await hearth.circle("dev-team")
        sends = [circle.publish("user_message", {"content": str(n)}) for n in range(60)]
        assert len({receipt.offset for receipt in await asyncio.gather(*sends)}) == 60


@pytest.mark.usefixtures("untold_rate")
async def test_what_the_server_says_is_not_temporary_is_not_tried_again(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors.RateLimited, "temporary", False)
    url = str((await serve(messages_per_second=20)).make_url(""))
    async with hearth_realtime.connect(url, token=ALICE) as hearth:
        circle = await hearth.circle("dev-team")
        sends = [circle.publish("user_message", {"content": str(n)}) for n in range(60)]
        outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert {outcome.code for outcome in outcomes if isinstance(outcome, HearthError)} == {
        "rate_limited"
    }


async def test_a_channel_that_is_left_ends(server: TestServer, connect: Connect) -> None:
    async with hearth_realtime.connect(str(server.make_url("")), token=ALICE) as hearth:
        circle = await hearth.circle("dev-team")
        reading = asyncio.create_task(take(circle, 1))
        await circle.leave()
        assert await reading == []
        assert circle.state == "closed"
        again = await hearth.circle("dev-team")
        await again.publish("user_message", {"content": "Hi"})
        assert contents(await take(again, 1)) == ["Hi"]


async def test_nothing_runs_any_more_in_the_end(server: TestServer) -> None:
    before = asyncio.all_tasks()
    async with hearth_realtime.connect(str(server.make_url("")), token=ALICE) as hearth:
        circle = await hearth.circle("dev-team")
        await hearth.feed("codeworm:logs")
        reading = asyncio.create_task(take(circle, 1))
        clients = asyncio.all_tasks() - before
    assert await reading == []
    assert [task for task in clients if not task.done() and "hearth" in task.get_name()] == []
    assert [task for task in clients if "engineio" in repr(task) and not task.done()] == []
