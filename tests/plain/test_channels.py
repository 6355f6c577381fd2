"""Many channels on one plain connection: requests as frames, each answered by its id."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.identity import parse_grants
from tests.fixtures.clients import Connect
from tests.fixtures.processes import RunReady
from tests.fixtures.servers import Serve
from tests.plain.conftest import Open
from tests.support.plain import JSON, PlainClient
from tests.support.process import UNLIMITED
from tests.support.tokens import ALICE, BOB, token

PATH = "/ws/channels"
SOMETHING = {"channel": "x", "data": {}}


async def ask(plain: PlainClient, name: str, **further: Any) -> JSON:
    """Send a request, and return its answer without the frame's own keys."""
    one = len(plain.received)
    await plain.send({"type": name, "id": one, **further})
    answer = await plain.next("ack")
    assert answer["id"] == one
    return {key: value for key, value in answer.items() if key not in ("type", "id")}


async def join(plain: PlainClient, namespace: str, channel: str, **further: Any) -> JSON:
    answer = await ask(plain, "join", namespace=namespace, channel=channel, **further)
    assert answer["ok"], answer
    return answer


async def test_requests_are_those_of_socket_io_clients(open_plain: Open, connect: Connect) -> None:
    plain = await open_plain(PATH)
    welcome = await plain.read()
    assert welcome["type"] == "connection_ack"
    assert welcome["data"].keys() == {"user_id", "kind", "server_time", "limits"}

    bob = await connect(token=BOB)
    await bob.join()
    await bob.say("1", "2", "3")
    joined = await join(plain, "/circles", "dev-team", history=2)
    theirs = await bob.request("join", {"channel": "dev-team", "history": 2})
    assert joined.keys() == theirs.keys()
    assert joined["messages"] == theirs["messages"]
    assert joined["presence"]["count"] == 2
    position = {"offset": joined["offset"] - 2, "epoch": joined["epoch"]}
    again = await join(plain, "/circles", "dev-team", since=position)
    assert (again["recovered"], len(again["messages"])) == (True, 2)

    where = {"namespace": "/circles", "channel": "dev-team"}
    page = await ask(plain, "history", **where, limit=1)
    assert (len(page["messages"]), page["more"]) == (1, True)
    assert page == await bob.request("history", {"channel": "dev-team", "limit": 1})
    assert await ask(plain, "presence", **where) == await bob.request(
        "presence", {"channel": "dev-team"}
    )
    assert (await ask(plain, "ping"))["server_time"].endswith("Z")
    assert (await plain.next("pong"))["data"]["server_time"].endswith("Z")
    assert await ask(plain, "leave", **where) == {"ok": True}
    await bob.say("unheard")
    assert await plain.settle() == []


async def test_publications_of_many_channels_name_their_namespace(
    open_plain: Open, connect: Connect
) -> None:
    plain = await open_plain(PATH)
    for namespace in ("/circles", "/agents", "/chat"):
        await join(plain, namespace, "same/of/all")
    bob = await connect(token=BOB)
    await bob.say("Hi", channel="same/of/all")
    got = await plain.next("user_message")
    assert (got["namespace"], got["channel"]) == ("/circles", "same/of/all")
    chat = await connect("/chat", BOB)
    await chat.say("Hello", channel="same/of/all")
    got = await plain.next("user_message")
    assert (got["namespace"], got["data"]) == ("/chat", {"content": "Hello"})


async def test_a_publish_is_acked_and_its_repeat_too(open_plain: Open) -> None:
    plain = await open_plain(PATH)
    await join(plain, "/circles", "dev-team")
    message = {"namespace": "/circles", "channel": "dev-team", "nonce": "n"}
    await plain.send({"type": "user_message", "id": "m1", **message, "data": {"content": "Hi"}})
    seen = {one["type"]: one for one in [await plain.read(), await plain.read()]}
    assert seen["ack"].keys() == {"type", "id", "ok", "offset", "epoch", "timestamp"}
    assert (seen["ack"]["id"], seen["ack"]["offset"]) == ("m1", seen["user_message"]["offset"])
    answer = await ask(plain, "user_message", **message, data={"content": "Hi"})
    assert (answer["duplicate"], answer["offset"]) == (True, seen["ack"]["offset"])


@pytest.mark.parametrize(
    ("request_", "code", "field"),
    [
        ({"type": "join", "channel": "dev-team"}, "invalid", "namespace"),
        ({"type": "join", "namespace": "/nowhere", "channel": "x"}, "invalid", "namespace"),
        ({"type": "join", "namespace": 5, "channel": "x"}, "invalid", "namespace"),
        ({"type": "join", "namespace": "/circles"}, "invalid", "channel"),
        ({"type": "join", "namespace": "/circles", "channel": "x", "odd": 1}, "invalid", "odd"),
        ({"type": "join", "namespace": "/circles", "channel": "secret"}, "forbidden", None),
        (
            {"type": "nonsense", "namespace": "/circles", "channel": "x", "data": {}},
            "invalid",
            "type",
        ),
        (
            {"type": "__init__", "namespace": "/circles", "channel": "x", "data": {}},
            "invalid",
            "type",
        ),
        ({"type": "user_message", "namespace": "/circles", "channel": "x"}, "invalid", "data"),
        ({"type": "authenticate", "token": BOB}, "forbidden", None),
        ({"type": "authenticate"}, "invalid", "token"),
    ],
)
async def test_what_fails_is_acked_with_the_error(
    open_plain: Open, request_: JSON, code: str, field: str | None
) -> None:
    plain = await open_plain(PATH, token("alice", "user", "circles:x:rw"))
    answer = await ask(plain, request_["type"], **request_)
    assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert field is None or field in answer["error"]["fields"]
    await plain.send(request_)  # nobody asks for an answer
    failed = await plain.next("error")
    assert failed["error"] == answer["error"]


@pytest.mark.parametrize("one", [True, 1.5, [], {}, "x" * 129, 1 << 60])
async def test_an_id_is_text_or_an_integer(open_plain: Open, one: object) -> None:
    plain = await open_plain(PATH)
    await plain.send({"type": "ping", "id": one})
    assert list((await plain.error())["fields"]) == ["id"]


async def test_a_fresh_token_leaves_what_it_does_not_open(open_plain: Open) -> None:
    plain = await open_plain(PATH, token("alice", "user", "*:*:rw", expires_in=60))
    for namespace, channel in (("/circles", "a"), ("/circles", "b"), ("/agents", "7")):
        await join(plain, namespace, channel)
    fresh = token("alice", "user", "circles:a:rw", "agents:*:r")
    answer = await ask(plain, "authenticate", token=fresh)
    assert answer["left"] == [{"namespace": "/circles", "channel": "b"}]
    assert answer["expires_at"].endswith("Z")
    presence = await ask(plain, "presence", namespace="/circles", channel="a")
    assert presence["count"] == 1
    await plain.send({"type": "auth", "token": fresh})  # as on other paths
    assert (await plain.next("auth"))["data"]["expires_at"] == answer["expires_at"]


async def test_a_token_may_come_first_and_strangers_begin_anew(
    serve: Serve, open_plain: Open
) -> None:
    plain = await open_plain(PATH, None)
    await plain.send({"type": "auth", "token": ALICE})
    assert (await plain.read())["data"]["user_id"] == "alice"
    refused = await open_plain(PATH, None)
    await refused.send({"type": "join", "id": 1, "namespace": "/circles", "channel": "dev-team"})
    assert await refused.refusal() == (4001, "unauthorized")

    server = await serve(anonymous_grants=parse_grants(["circles:lobby:r"]))
    plain = await open_plain(PATH, None, str(server.make_url("")))
    await join(plain, "/circles", "lobby")
    assert (await ask(plain, "authenticate", token=ALICE))["left"] == []
    welcomes = [one for one in plain.received if one["type"] == "connection_ack"]
    assert [one["data"]["user_id"] == "alice" for one in welcomes] == [False, True]
    presence = await ask(plain, "presence", namespace="/circles", channel="lobby")
    assert presence["count"] == 0


async def test_requests_are_answered_in_their_order_and_through_redis(
    run_ready: RunReady, open_plain: Open
) -> None:
    here, there = await run_ready(2, **UNLIMITED)
    one, two = [await open_plain(PATH, url=process.url) for process in (here, there)]
    await join(two, "/circles", "dev-team")
    where = {"namespace": "/circles", "channel": "dev-team"}
    for number in range(200):
        message = {"type": "user_message", "id": number, **where}
        await one.send(message | {"data": {"content": str(number)}})
    acks = [await one.next("ack") for _number in range(200)]
    assert [ack["id"] for ack in acks] == list(range(200))
    assert [ack["offset"] for ack in acks] == list(range(1, 201))
    got = [(await two.next("user_message"))["data"]["content"] for _number in range(200)]
    assert got == [str(number) for number in range(200)]


async def test_its_members_are_seen_and_leave_with_it(open_plain: Open, connect: Connect) -> None:
    plain = await open_plain(PATH)
    await join(plain, "/circles", "dev-team")
    bob = await connect(token=BOB)
    assert (await bob.join())["presence"]["count"] == 2
    await plain.socket.close()
    while (await bob.request("presence", {"channel": "dev-team"}))["count"] != 1:
        pass
