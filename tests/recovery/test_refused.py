"""Who can't have everything back, or may not: `recovered` is false, and nothing is replayed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import HUB, SERVER
from app.broker.memory_sessions import MemorySessions
from tests.fixtures.clients import Connect
from tests.fixtures.proxies import Through
from tests.fixtures.servers import Serve
from tests.recovery.conftest import Recovering, connects, text, texts
from tests.support.client import Client
from tests.support.node import NodeClient
from tests.support.proxy import Proxy
from tests.support.raw import RawWebSocket, raw_websocket
from tests.support.tokens import ALICE, BOB, token

HISTORY_SIZE = 5

Begin = Callable[..., Awaitable[NodeClient]]


@pytest.fixture
async def server(serve: Serve) -> TestServer:
    """A server that keeps few messages."""
    return await serve(history_size=HISTORY_SIZE)


@pytest.fixture
def begin(recovering: Recovering, proxy: Proxy, bob: Client) -> Begin:
    """Return a function that connects a client, has it receive a message and cuts it off."""

    async def begin_with(**options: Any) -> NodeClient:
        alice = await recovering(proxy.url, **options)
        for channel in ("dev-team", "ops"):
            await alice.join(channel)
        await bob.request("user_message", text(1))
        await alice.next("user_message")
        proxy.stop()
        await alice.moment("disconnect")
        return alice

    return begin_with


async def not_recovered(alice: NodeClient, proxy: Proxy, bob: Client) -> None:
    """Let a client back, and see that it begins anew."""
    await bob.request("user_message", text("missed"))
    proxy.resume()
    await alice.moment("connect", 2)
    await bob.request("user_message", text("now"))
    await alice.settle()
    assert texts(alice) == ["1"]
    (first, _), (second, recovered) = connects(alice)
    assert not recovered
    assert first != second
    # What it then has is whole again.
    await alice.join()
    proxy.cut()
    await alice.moment("connect", 3)
    await bob.request("user_message", text(2))
    await alice.next("user_message", 2)
    assert texts(alice) == ["1", "2"]
    assert connects(alice)[-1] == (second, True)


async def test_where_one_channel_has_lost_messages_none_is_replayed(
    begin: Begin, proxy: Proxy, bob: Client
) -> None:
    alice = await begin()
    for number in range(HISTORY_SIZE + 1):
        await bob.request("user_message", text(number, "ops"))
    await not_recovered(alice, proxy, bob)


async def test_after_the_window(
    serve: Serve,
    recovering: Recovering,
    connect: Connect,
    through: Through,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = await serve(recovery_seconds=60)
    proxy = await through(str(server.make_url("")))
    bob = await connect(token=BOB, url=str(server.make_url("")))
    alice = await recovering(proxy.url)
    await alice.join()
    proxy.cut()
    await alice.moment("connect", 2)
    assert connects(alice)[-1][1]
    proxy.stop()
    await alice.moment("disconnect", 2)
    store = server.app[HUB].memberships.sessions._store
    assert isinstance(store, MemorySessions)
    await bob.request("user_message", text("missed"))
    later = store._clock() + 61
    monkeypatch.setattr(store, "_clock", lambda: later)
    proxy.resume()
    await alice.moment("connect", 3)
    await alice.settle()
    assert not connects(alice)[-1][1]
    assert texts(alice) == []
    assert len(store) == 1  # the old one is forgotten


async def test_where_it_is_switched_off(
    serve: Serve, recovering: Recovering, through: Through
) -> None:
    server = await serve(recovery_seconds=0)
    proxy = await through(str(server.make_url("")))
    alice = await recovering(proxy.url)
    proxy.cut()
    await alice.moment("connect", 2)
    assert [recovered for _sid, recovered in connects(alice)] == [False, False]


async def test_who_said_goodbye_begins_anew(begin: Begin, proxy: Proxy, bob: Client) -> None:
    alice = await begin()
    proxy.resume()
    await alice.moment("connect", 2)
    alice.disconnect()
    await alice.moment("disconnect", 2)
    alice.reconnect()
    await alice.moment("connect", 3)
    assert [recovered for _sid, recovered in connects(alice)] == [False, True, False]


async def test_who_was_sent_away_begins_anew(
    begin: Begin, proxy: Proxy, server: TestServer
) -> None:
    alice = await begin()
    proxy.resume()
    await alice.moment("connect", 2)
    await server.app[SERVER].disconnect(alice.sid, namespace="/circles")
    await alice.moment("disconnect", 2)
    alice.reconnect()
    await alice.moment("connect", 3)
    assert [recovered for _sid, recovered in connects(alice)] == [False, True, False]


async def test_a_grant_that_is_gone(begin: Begin, proxy: Proxy, bob: Client) -> None:
    alice = await begin()
    alice.bring({"token": token("alice", "user", "circles:dev-team:rw"), "recover": True})
    await not_recovered(alice, proxy, bob)


async def test_somebody_elses_session(begin: Begin, proxy: Proxy, bob: Client) -> None:
    alice = await begin()
    alice.bring({"token": token("eve", "user", "*:*:rw"), "recover": True})
    await not_recovered(alice, proxy, bob)


async def test_a_token_that_has_ended(begin: Begin, proxy: Proxy) -> None:
    alice = await begin()
    alice.bring({"token": token("alice", "user", "*:*:rw", expires_in=-60), "recover": True})
    proxy.resume()
    refused = await alice.moment("connect_error")
    while "data" not in refused:  # those while the proxy let nobody in
        refused = await alice.moment("connect_error", len(alice.moments("connect_error")) + 1)
    assert refused["data"]["code"] == "token_expired"
    assert texts(alice) == ["1"]


async def enter(raw: RawWebSocket, namespace: str, auth: dict[str, Any]) -> dict[str, Any]:
    """Connect to a namespace; return what the server replies."""
    await raw.engine()
    raw.write(f"40{namespace},{json.dumps({'token': ALICE, 'recover': True, **auth})}")
    reply: dict[str, Any] = json.loads((await packet(raw, f"40{namespace},"))[len(namespace) + 3 :])
    return reply


async def packet(raw: RawWebSocket, beginning: str) -> str:
    return str((await raw.until(beginning))[-1])


async def join_and_drop(server: TestServer) -> dict[str, Any]:
    """Join a channel and lose the connection; return what CONNECT was answered with."""
    async with raw_websocket(server) as raw:
        reply = await enter(raw, "/circles", {})
        raw.write('42/circles,1["join",{"channel":"dev-team"}]')
        await packet(raw, "43/circles,1")
    return reply


async def test_another_namespaces_session(server: TestServer) -> None:
    async with raw_websocket(server) as first, raw_websocket(server) as second:
        pid = (await enter(first, "/circles", {}))["pid"]
        assert (await enter(second, "/chat", {"pid": pid}))["pid"] != pid


PIDS = [7, "", "x" * 30, "*", None, ["a"]]
OFFSETS = [
    *(7, "", "0", ["TAG:0:"], "TAG:1:1.1", "TAG:0:1", "TAG:0:1.x", "TAG:0:1.9.", "TAG:0:1.-5"),
    *("TAG:0:1.99999", "TAG:0:" + "1.1," * 10_000, "TAG:0:1.٣", "TAG:0:" + "9" * 5000 + ".1"),
]


@pytest.mark.parametrize(
    "garbage",
    [
        *({"pid": pid} for pid in PIDS),
        *({"offset": offset} for offset in OFFSETS),
        *({"recover": recover} for recover in (1, "true", None)),
    ],
    ids=lambda garbage: str(garbage)[:40],
)
async def test_what_is_not_ours(server: TestServer, bob: Client, garbage: Any) -> None:
    reply = await join_and_drop(server)
    await bob.request("user_message", text("missed"))
    async with raw_websocket(server) as second:
        auth = {"pid": reply["pid"], "offset": "TAG:0:1.0", **garbage}
        if isinstance(auth["offset"], str):
            auth["offset"] = auth["offset"].replace("TAG", reply["pid"][:6])
        again = await enter(second, "/circles", auth)
        assert again.get("pid") != reply["pid"]
        assert again["sid"] != reply["sid"]
        second.write('42/circles,2["ping"]')
        assert not any("missed" in str(one) for one in await second.until("43/circles,2"))


async def test_an_offset_that_says_little_is_filled_from_what_is_kept(
    server: TestServer, bob: Client
) -> None:
    reply = await join_and_drop(server)
    await bob.request("user_message", text("missed"))
    async with raw_websocket(server) as second:
        auth = {"pid": reply["pid"], "offset": f"{reply['pid'][:6]}:0:", "unknown": True}
        assert await enter(second, "/circles", auth) == reply
        assert "missed" in await packet(second, '42/circles,["user_message"')


async def test_a_forged_offset_reads_nothing_from_before_it_was_let_in(
    server: TestServer, bob: Client
) -> None:
    """A worker lets somebody in who may not read the channel."""
    await bob.request("user_message", text("secret"))
    stranger = {"token": token("eve", "user")}
    async with raw_websocket(server) as raw:
        reply = await enter(raw, "/circles", stranger)
        await server.app[SERVER].enter_room(reply["sid"], "dev-team", namespace="/circles")
        await bob.request("user_message", text("hello"))
        assert "hello" in await packet(raw, '42/circles,["user_message"')
    async with raw_websocket(server) as raw:
        forged = {"pid": reply["pid"], "offset": f"{reply['pid'][:6]}:0:1.0"}
        assert await enter(raw, "/circles", stranger | forged) == reply
        raw.write('42/circles,2["ping"]')
        received = [str(one) for one in await raw.until("43/circles,2")]
        assert any("hello" in one for one in received)
        assert not any("secret" in one for one in received)
