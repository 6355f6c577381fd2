"""python-socketio's own interface on our server, as the stock socket.io-client sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import socketio
import structlog

from app.realtime.manager import Manager
from app.realtime.server import Server
from tests.fixtures.servers import ServePlain
from tests.support.node import TRANSPORTS, NodeClient, NodeDriver

CHAT = "/chat"
BINARY = bytes(range(256))
AS_NODE_SHOWS_IT = {"type": "Buffer", "data": list(BINARY)}

Open = Callable[..., Awaitable[NodeClient]]


@pytest.fixture
def realtime() -> Server:
    """A server that answers `echo` with what it brought, and `again` by an event of that name."""
    realtime = Server(Manager())

    async def echo(_sid: str, *args: Any) -> tuple[Any, ...]:
        return args

    async def again(sid: str, *args: Any) -> None:
        await realtime.emit("again", args, to=sid, namespace=CHAT)

    realtime.on("echo", echo, namespace=CHAT)
    realtime.on("again", again, namespace=CHAT)
    return realtime


@pytest.fixture
async def open_node(
    realtime: Server, serve_plain: ServePlain, node: NodeDriver, transport: str
) -> Open:
    """Return a function that connects a socket to `/chat`, over each transport in turn."""
    url = str((await serve_plain(realtime)).make_url(""))

    async def open_one(namespace: str = CHAT, **options: Any) -> NodeClient:
        return await node.connect(url, namespace, transport, **options)

    return open_one


@pytest.fixture
async def alice(open_node: Open) -> NodeClient:
    return await open_node()


@pytest.fixture
async def bob(open_node: Open) -> NodeClient:
    return await open_node()


async def test_twenty_emits_of_one_tick_are_answered_in_order(alice: NodeClient) -> None:
    posted = [alice.post("echo", number) for number in range(20)]
    assert await asyncio.gather(*posted) == list(range(20))
    assert alice.answers() == list(range(20))


async def test_an_event_of_900_kb_comes_back_whole(alice: NodeClient) -> None:
    text = "Wörter 🚀 " * 70_000
    assert 890_000 < len(text.encode()) < 980_000
    assert await alice.request("echo", text) == text
    alice.send("again", text)
    assert await alice.next("again") == text


async def test_binary_goes_both_ways(alice: NodeClient) -> None:
    data = {"$bytes": list(BINARY)}
    assert await alice.request("echo", data) == AS_NODE_SHOWS_IT
    nested = {"a": [data, {"b": data}], "c": "text"}
    alice.send("again", nested)
    shown = {"a": [AS_NODE_SHOWS_IT, {"b": AS_NODE_SHOWS_IT}], "c": "text"}
    assert await alice.next("again") == shown
    assert await alice.request("echo", nested) == shown


async def test_a_handler_gets_bytes(realtime: Server, alice: NodeClient) -> None:
    async def measure(_sid: str, data: Any) -> Any:
        return [type(data).__name__, data == BINARY]

    realtime.on("measure", measure, namespace=CHAT)
    assert await alice.request("measure", {"$bytes": list(BINARY)}) == ["bytes", True]


@pytest.mark.parametrize("answer", ["text", {"$bytes": [1, 2, 3]}], ids=["text", "binary"])
async def test_a_handler_may_wait_for_its_clients_answer(
    realtime: Server, alice: NodeClient, answer: Any
) -> None:

    async def ask_back(sid: str) -> Any:
        return await realtime.call("question", "why?", to=sid, namespace=CHAT, timeout=5)

    realtime.on("ask", ask_back, namespace=CHAT)
    await alice.answer("question", answer)
    expected = answer if answer == "text" else {"type": "Buffer", "data": [1, 2, 3]}
    assert await alice.request("ask") == expected
    assert await alice.next("question") == "why?"
    assert await alice.request("echo", 1) == 1


async def test_whoever_calls_gets_the_answer(realtime: Server, alice: NodeClient) -> None:
    await alice.answer("question", {"a": [1, None]})
    answers = [
        realtime.call("question", number, to=alice.sid, namespace=CHAT, timeout=5)
        for number in range(3)
    ]
    assert await asyncio.gather(*answers) == [{"a": [1, None]}] * 3


async def test_an_emit_with_a_callback_is_called_back(realtime: Server, alice: NodeClient) -> None:
    await alice.answer("question", "because")
    called: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    await realtime.emit(
        "question", to=alice.sid, namespace=CHAT, callback=lambda *args: called.set_result(args)
    )
    assert await asyncio.wait_for(called, 30) == ("because",)


async def test_rooms_hold_who_entered_them(
    realtime: Server, alice: NodeClient, bob: NodeClient
) -> None:
    await realtime.enter_room(alice.sid, "a", namespace=CHAT)
    await realtime.enter_room(bob.sid, "a", namespace=CHAT)
    await realtime.emit("news", 1, room="a", namespace=CHAT)
    await realtime.emit("news", 2, room="a", skip_sid=alice.sid, namespace=CHAT)
    await realtime.leave_room(bob.sid, "a", namespace=CHAT)
    await realtime.emit("news", 3, room="a", namespace=CHAT)
    assert realtime.rooms(alice.sid, namespace=CHAT) == [alice.sid, "a"]
    await realtime.close_room("a", namespace=CHAT)
    await realtime.emit("news", 4, room="a", namespace=CHAT)
    await realtime.emit("news", {"all": BINARY}, namespace=CHAT)
    await alice.next("news", 3)
    await bob.next("news", 3)
    assert alice.all("news") == [1, 3, {"all": AS_NODE_SHOWS_IT}]
    assert bob.all("news") == [1, 2, {"all": AS_NODE_SHOWS_IT}]


async def test_a_session_is_kept_for_a_connection(
    realtime: Server, alice: NodeClient, bob: NodeClient
) -> None:
    async def remember(sid: str, name: str) -> None:
        await realtime.save_session(sid, {"name": name}, namespace=CHAT)

    async def recall(sid: str) -> Any:
        async with realtime.session(sid, namespace=CHAT) as session:
            session["times"] = session.get("times", 0) + 1
        return await realtime.get_session(sid, namespace=CHAT)

    realtime.on("remember", remember, namespace=CHAT)
    realtime.on("recall", recall, namespace=CHAT)
    alice.send("remember", "alice")
    assert await alice.request("recall") == {"name": "alice", "times": 1}
    assert await alice.request("recall") == {"name": "alice", "times": 2}
    assert await bob.request("recall") == {"times": 1}


async def test_the_server_disconnects_one_and_tells_the_handler(
    realtime: Server, alice: NodeClient, bob: NodeClient
) -> None:
    ended: list[tuple[str, str]] = []

    async def disconnect(sid: str, reason: str) -> None:
        ended.append((sid, reason))

    realtime.on("disconnect", disconnect, namespace=CHAT)
    await realtime.emit("last", "words", to=alice.sid, namespace=CHAT)
    await realtime.disconnect(alice.sid, namespace=CHAT)
    assert (await alice.moment("disconnect"))["reason"] == "io server disconnect"
    assert alice.all("last") == ["words"]
    assert ended == [(alice.sid, "server disconnect")]
    assert await bob.request("echo", 1) == 1
    bob.disconnect()
    assert (await bob.moment("disconnect"))["reason"] == "io client disconnect"


async def test_the_admin_ui_sees_who_is_there(realtime: Server, open_node: Open) -> None:
    admin_side = realtime.instrument(auth={"username": "u", "password": "p"})
    with structlog.testing.capture_logs() as lines:
        credentials = {"username": "u", "password": "p"}
        admin = await open_node("/admin", auth=credentials)
        client = await open_node()
        assert (await admin.next("config"))["supportedFeatures"]
        connected = await admin.next("socket_connected", 2)
        assert (connected["id"], connected["nsp"]) == (client.sid, CHAT)
        await realtime.enter_room(client.sid, "a", namespace=CHAT)
        assert await client.request("echo", "hello") == "hello"
        await realtime.emit("news", 1, room="a", namespace=CHAT)
        assert await client.next("news") == 1
        received = next(line for line in admin.happened if line.get("event") == "event_received")
        assert received["args"][:3] == [CHAT, client.sid, ["echo", "hello"]]
        await admin.next("event_sent")
        client.disconnect()
        await admin.next("socket_disconnected")
    await admin_side.shutdown()
    admin_side.uninstrument()
    assert lines == []


async def test_a_refusal_carries_its_data(
    realtime: Server, serve_plain: ServePlain, node: NodeDriver, transport: str
) -> None:
    def refuse(_sid: str, _environ: Any, _auth: Any) -> None:
        raise socketio.exceptions.ConnectionRefusedError("not you", {"code": 7})

    realtime.on("connect", refuse, namespace=CHAT)
    url = str((await serve_plain(realtime)).make_url(""))
    client = node.open(url, CHAT, **TRANSPORTS[transport])
    refusal = await client.moment("connect_error")
    assert (refusal["message"], refusal["data"]) == ("not you", {"code": 7})
