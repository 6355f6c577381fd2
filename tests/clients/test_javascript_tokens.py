"""What the stock socket.io-client sees of tokens: let in, refused, ended, prolonged."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

import pytest
from aiohttp.test_utils import TestServer

from tests.fixtures.logs import Logs
from tests.fixtures.node import ConnectNode
from tests.fixtures.servers import Serve
from tests.support.node import TRANSPORTS, NodeDriver
from tests.support.tokens import ALICE, BOB, token

FOREIGN = token("alice", "user", "*:*:rw", secret="a secret of somebody else, long enough")
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({}, "unauthorized"),
    "empty": ({"auth": {"token": ""}}, "unauthorized"),
    "garbage": ({"auth": {"token": "garbage"}}, "unauthorized"),
    "no text": ({"auth": {"token": 7}}, "unauthorized"),
    "foreign": ({"auth": {"token": FOREIGN}}, "unauthorized"),
    "expired": ({"auth": {"token": token("alice", expires_in=-60)}}, "token_expired"),
}
CARRIED: dict[str, dict[str, Any]] = {
    "auth": {"auth": {"token": ALICE}},
    "query": {"query": {"token": ALICE}},
    "query, long name": {"query": {"access_token": ALICE}},
    "header": {"extraHeaders": {"Authorization": f"Bearer {ALICE}"}},
    "header before query": {
        "extraHeaders": {"Authorization": f"Bearer {ALICE}"},
        "query": {"token": BOB},
    },
    "auth before query": {"auth": {"token": ALICE}, "query": {"token": BOB}},
}


async def test_a_token_is_found_wherever_the_client_puts_it(
    connect_node: ConnectNode, transport: str
) -> None:
    found = {}
    for place, options in CARRIED.items():
        client = await connect_node(token=None, transport=transport, **options)
        found[place] = (await client.next("connection_ack"))["data"]["user_id"]
    assert found == dict.fromkeys(CARRIED, "alice")


async def test_a_refusal_says_why(server: TestServer, node: NodeDriver, transport: str) -> None:
    url = str(server.make_url(""))
    codes = {}
    for brought, (options, _code) in REFUSED.items():
        client = node.open(url, "/circles", **TRANSPORTS[transport], **options)
        refusal = await client.moment("connect_error")
        assert refusal["message"]
        assert refusal["data"] == {
            "code": ANY,
            "message": refusal["message"],
            "temporary": False,
        }
        assert client.moments("connect") == []
        codes[brought] = refusal["data"]["code"]
    assert codes == {brought: code for brought, (_options, code) in REFUSED.items()}


THERE = "There are /agents, /chat, /circles, /feeds, /notifications, /workspaces"


@pytest.mark.parametrize(
    ("namespace", "end"),
    {
        "/": ".",
        "/nowhere": ".",
        "/Circles": "; did you mean /circles?",
        "/circles/": "; did you mean /circles?",
        "/circel": "; did you mean /circles?",
        "/" + "x" * 900: ".",
    }.items(),
)
async def test_an_unknown_namespace_is_called_invalid_and_which_there_are(
    server: TestServer, node: NodeDriver, logs: Logs, namespace: str, end: str, transport: str
) -> None:
    client = node.open(str(server.make_url("")), namespace, **TRANSPORTS[transport])
    refusal = await client.moment("connect_error")
    assert refusal["message"] == "Invalid namespace"  # as of the official server
    short = namespace if len(namespace) < 100 else namespace[:100] + "…"
    assert refusal["data"] == {
        "code": "invalid",
        "message": f"There is no namespace {short} here. {THERE}{end}",
        "temporary": False,
        "fields": {"namespace": THERE + end},
    }
    (line,) = logs.refusals()
    assert (line["reason"], line["namespace"]) == ("namespace", short)


@pytest.mark.parametrize("auth", [ALICE, 7, True, [ALICE]])
async def test_an_auth_that_is_no_object_is_refused_with_how_to_write_it(
    server: TestServer, node: NodeDriver, logs: Logs, auth: Any, transport: str
) -> None:
    client = node.open(str(server.make_url("")), "/circles", auth=auth, **TRANSPORTS[transport])
    refusal = await client.moment("connect_error")
    problem = 'Must be an object, such as {"token": "…"}'
    assert refusal["data"]["code"] == "invalid"
    assert refusal["data"]["fields"] == {"auth": problem}
    assert refusal["message"] == f"The request is not valid: auth: {problem}"
    assert [line["reason"] for line in logs.refusals()] == ["auth"]
    assert ALICE not in str(logs.refusals())
    assert client.moments("disconnect") == []


async def test_a_refused_namespace_leaves_the_others_of_its_connection_alone(
    connect_node: ConnectNode, server: TestServer, node: NodeDriver
) -> None:
    circles = await connect_node(forceNew=False)
    url = str(server.make_url(""))
    nowhere = node.open(url, "/nowhere", forceNew=False, **TRANSPORTS["websocket"])
    await nowhere.moment("connect_error")
    assert (await circles.request("ping"))["ok"] is True
    assert circles.moments("disconnect") == []


async def test_a_websocket_brings_its_token_as_a_subprotocol(connect_node: ConnectNode) -> None:
    options = {"protocols": ["bearer", ALICE], "query": {"token": BOB}}
    client = await connect_node(token=None, transport="websocket", **options)
    assert (await client.next("connection_ack"))["data"]["user_id"] == "alice"


async def test_a_connection_ends_with_its_token(connect_node: ConnectNode, transport: str) -> None:
    client = await connect_node(token=token("alice", expires_in=2), transport=transport)
    ended = await client.moment("disconnect")
    assert ended["reason"] == "io server disconnect"
    [error] = client.all("error")
    assert error["data"]["code"] == error["error"]["code"] == "token_expired"


async def test_a_connection_ends_later_by_as_much_as_clocks_may_differ(
    serve: Serve, node: NodeDriver
) -> None:
    url = str((await serve(auth_leeway_seconds=60)).make_url(""))
    over = token("alice", "user", "*:*:rw", expires_in=-57)
    client = node.open(url, "/circles", auth={"token": over}, **TRANSPORTS["websocket"])
    await client.moment("connect")
    await client.join()
    await client.moment("disconnect")
    [error] = client.all("error")
    assert error["data"]["code"] == "token_expired"


async def test_a_fresh_token_prolongs_a_connection(connect_node: ConnectNode) -> None:
    short = token("alice", "user", expires_in=2)
    lets_it_end = await connect_node(token=short)
    prolongs = await connect_node(token=short)
    fresh = await prolongs.request("authenticate", {"token": token("alice", "user")})
    assert fresh["ok"] is True
    await lets_it_end.moment("disconnect")
    await prolongs.settle()
    assert (prolongs.all("error"), prolongs.moments("disconnect")) == ([], [])


async def test_a_fresh_token_says_which_channels_it_no_longer_opens(
    connect_node: ConnectNode,
) -> None:
    client = await connect_node(token=ALICE)
    for channel in ("dev-team", "ops", "kitchen"):
        await client.join(channel)
    fresh = token("alice", "user", "circles:ops:r")
    answer = await client.request("authenticate", {"token": fresh})
    assert (answer["ok"], answer["left"]) == (True, ["dev-team", "kitchen"])
    again = await client.request("authenticate", {"token": fresh})
    assert again["left"] == []


async def test_nobody_becomes_somebody_else(connect_node: ConnectNode) -> None:
    client = await connect_node(token=ALICE)
    answer = await client.request("authenticate", {"token": BOB})
    assert answer["error"]["code"] == "forbidden"
    await client.join()
    members = (await client.request("presence", {"channel": "dev-team"}))["members"]
    assert [member["id"] for member in members] == ["alice"]
