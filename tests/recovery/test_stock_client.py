"""A stock socket.io-client that asks for it gets back what it had, without code of its own."""

from __future__ import annotations

from aiohttp.test_utils import TestServer

from app.app_keys import SERVER
from app.core.identity import parse_grants
from tests.fixtures.clients import Connect
from tests.fixtures.proxies import Through
from tests.fixtures.servers import Serve
from tests.recovery.conftest import Recovering, connects, text, texts, trailing
from tests.support.client import Client
from tests.support.node import NodeClient
from tests.support.proxy import Proxy
from tests.support.server import drop
from tests.support.tokens import BOB, token


async def join(client: NodeClient, *channels: str) -> None:
    for channel in channels:
        await client.join(channel)


async def test_it_gets_every_missed_message_its_rooms_and_its_sid(
    recovering: Recovering, proxy: Proxy, bob: Client, transport: str
) -> None:
    alice = await recovering(proxy.url, transport=transport)
    await join(alice, "dev-team", "ops")
    await bob.say(1)
    await bob.say(2, channel="ops")
    await alice.next("user_message", 2)
    proxy.stop()
    await alice.moment("disconnect")
    await bob.say(3)
    await bob.say(4, 5, channel="ops")
    await bob.say(6)
    proxy.resume()
    await alice.moment("connect", 2)
    await bob.say(7)
    await alice.next("user_message", 7)
    await alice.settle()
    assert texts(alice) == ["1", "2", "3", "4", "5", "6", "7"]
    (first, recovered_first), (second, recovered) = connects(alice)
    assert (first, recovered_first, recovered) == (second, False, True)


async def test_a_second_drop_doubles_nothing(
    recovering: Recovering, proxy: Proxy, bob: Client
) -> None:
    alice = await recovering(proxy.url)
    await join(alice, "dev-team", "ops")
    for round_ in range(3):
        proxy.stop()
        await alice.moment("disconnect", round_ + 1)
        await bob.say(2 * round_)
        await bob.say(2 * round_ + 1, channel="ops")
        proxy.resume()
        await alice.next("user_message", 2 * round_ + 2)
    await alice.settle()
    assert texts(alice) == ["0", "1", "2", "3", "4", "5"]
    assert [recovered for _sid, recovered in connects(alice)] == [False, True, True, True]


async def test_no_event_need_have_been_received(
    recovering: Recovering, proxy: Proxy, bob: Client
) -> None:
    alice = await recovering(proxy.url)
    await bob.say("before it joined")
    await join(alice, "dev-team")
    proxy.stop()
    await alice.moment("disconnect")
    await bob.say(1)
    proxy.resume()
    await alice.next("user_message")
    assert texts(alice) == ["1"]
    assert connects(alice)[-1] == (connects(alice)[0][0], True)


async def test_nothing_need_have_been_joined(recovering: Recovering, proxy: Proxy) -> None:
    alice = await recovering(proxy.url)
    proxy.cut()
    await alice.moment("connect", 2)
    assert connects(alice)[-1] == (connects(alice)[0][0], True)


async def test_it_may_be_back_before_the_server_has_noticed(
    recovering: Recovering, server: TestServer, proxy: Proxy, bob: Client
) -> None:
    alice = await recovering(proxy.url)
    await join(alice, "dev-team")
    client = server.app[SERVER].manager.client("/circles", alice.sid)
    assert client is not None
    before = client.connection
    proxy.strand()
    await alice.moment("disconnect")
    assert not before.closed
    await bob.say(1)
    await alice.moment("connect", 2)
    await bob.say(2)
    await alice.next("user_message", 2)
    assert before.closed
    assert texts(alice) == ["1", "2"]
    assert connects(alice)[-1] == (connects(alice)[0][0], True)
    members = await bob.request("presence", {"channel": "dev-team"})
    assert [one["connections"] for one in members["members"]] == [1]


async def test_what_it_left_is_not_restored(
    recovering: Recovering, proxy: Proxy, bob: Client
) -> None:
    alice = await recovering(proxy.url)
    await join(alice, "dev-team", "ops")
    await alice.request("leave", {"channel": "ops"})
    proxy.stop()
    await alice.moment("disconnect")
    await bob.say("unheard", channel="ops")
    await bob.say(1)
    proxy.resume()
    await alice.next("user_message")
    await bob.say("unheard", channel="ops")
    await alice.settle()
    assert texts(alice) == ["1"]


async def test_who_has_rejoined_goes_on_from_there(
    recovering: Recovering, proxy: Proxy, bob: Client
) -> None:
    """The client's offset string is older than the answer to its second join."""
    alice = await recovering(proxy.url)
    await join(alice, "dev-team")
    await bob.say(1)
    await alice.next("user_message")
    await alice.request("leave", {"channel": "dev-team"})
    await bob.say("while it was out")
    joined = await alice.request("join", {"channel": "dev-team", "history": 1})
    assert joined["messages"][0]["data"]["content"] == "while it was out"
    proxy.stop()
    await alice.moment("disconnect")
    await bob.say(2)
    proxy.resume()
    await alice.next("user_message", 2)
    await alice.settle()
    assert texts(alice) == ["1", "2"]


async def test_only_who_asks_gets_the_extra_argument(
    recovering: Recovering, proxy: Proxy, bob: Client
) -> None:
    alice, plain = await recovering(proxy.url), await recovering(proxy.url, recover=False)
    for client in (alice, plain):
        await join(client, "dev-team")
    await bob.say(1, 2)
    for client in (alice, plain):
        await client.next("user_message", 2)
    first, second = trailing(alice)
    assert len(first) == len(second) == 1
    assert isinstance(first[0], str)
    assert first != second
    assert trailing(alice, "connection_ack") == [[]]
    assert trailing(plain) == [[], []]
    proxy.cut()
    await plain.moment("connect", 2)
    assert [recovered for _sid, recovered in connects(plain)] == [False, False]


async def test_a_text_that_the_server_emits_is_not_taken_for_an_offset(
    recovering: Recovering, server: TestServer, proxy: Proxy, bob: Client
) -> None:
    alice = await recovering(proxy.url)
    await join(alice, "dev-team")
    await bob.say(1)
    await alice.next("user_message")
    await server.app[SERVER].send("a text", to=alice.sid, namespace="/circles")
    assert await alice.next("message") == "a text"
    proxy.cut()
    await alice.moment("connect", 2)
    await bob.say(2)
    await alice.next("user_message", 2)
    assert connects(alice)[-1][1] is True
    assert texts(alice) == ["1", "2"]


async def test_more_than_the_limit_for_unsent_bytes_can_be_replayed(
    serve: Serve, recovering: Recovering, connect: Connect, transport: str, through: Through
) -> None:
    server = await serve(max_unsent_bytes=65_536)
    proxy = await through(str(server.make_url("")))
    bob = await connect(token=BOB, url=str(server.make_url("")))
    alice = await recovering(proxy.url, transport=transport)
    await join(alice, "dev-team")
    proxy.stop()
    await alice.moment("disconnect")
    contents = [f"{number} {'x' * 2000}" for number in range(200)]
    await bob.say(*contents)
    proxy.resume()
    await alice.next("user_message", 200)
    await alice.settle()
    assert texts(alice) == contents
    assert [recovered for _sid, recovered in connects(alice)] == [False, True]


async def test_notifications_too(recovering: Recovering, proxy: Proxy, server: TestServer) -> None:
    alice = await recovering(proxy.url, "/notifications")
    emit = server.app[SERVER].emit
    await alice.settle()
    for number in range(4):
        if number == 2:
            proxy.stop()
            await alice.moment("disconnect")
        data = {"title": str(number), "message": "…"}
        room = "broadcast" if number % 2 else "user:alice"
        await emit("notification", data, room=room, namespace="/notifications")
    proxy.resume()
    await alice.next("notification", 4)
    assert [one["data"]["title"] for one in alice.all("notification")] == ["0", "1", "2", "3"]
    assert connects(alice)[-1][1] is True


async def test_dropped_by_the_server(
    recovering: Recovering, server: TestServer, bob: Client, transport: str
) -> None:
    alice = await recovering(transport=transport)
    await join(alice, "dev-team")
    await drop(server, alice)
    await bob.say(1, 2)
    await alice.next("user_message", 2)
    await alice.settle()
    assert texts(alice) == ["1", "2"]
    assert connects(alice)[-1] == (connects(alice)[0][0], True)


async def test_a_stranger_comes_back_as_the_same_stranger(
    serve: Serve, recovering: Recovering, connect: Connect, through: Through
) -> None:
    server = await serve(anonymous_grants=parse_grants(["circles:*:rw"]))
    proxy = await through(str(server.make_url("")))
    stranger = await recovering(proxy.url, token=None)
    await join(stranger, "dev-team")
    proxy.cut()
    await stranger.next("connection_ack", 2)
    assert connects(stranger)[-1] == (connects(stranger)[0][0], True)
    first, second = [one["data"]["user_id"] for one in stranger.all("connection_ack")]
    assert first == second
    await stranger.request("user_message", text(1))
    assert (await stranger.next("user_message"))["sender"]["id"] == first
    # Another one is not let in as this one.
    bob = await recovering(str(server.make_url("")), token=None)
    assert (await bob.next("connection_ack"))["data"]["user_id"] != first


async def test_whom_the_server_let_into_a_channel_is_there_again(
    serve: Serve, recovering: Recovering, connect: Connect, through: Through
) -> None:
    server = await serve()
    proxy = await through(str(server.make_url("")))
    bob = await connect(token=BOB, url=str(server.make_url("")))
    eve = await recovering(proxy.url, token=token("eve"))
    realtime = server.app[SERVER]
    await realtime.enter_room(eve.sid, "dev-team", namespace="/circles")
    proxy.stop()
    await eve.moment("disconnect")
    await bob.say(1)
    proxy.resume()
    await eve.next("user_message")
    await bob.say(2)
    await eve.next("user_message", 2)
    assert texts(eve) == ["1", "2"]
