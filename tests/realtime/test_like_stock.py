"""The same program on python-socketio's own server and on ours, with the same outcome."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import socketio
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.realtime.manager import Manager
from app.realtime.server import Server
from tests.fixtures.servers import Start
from tests.support.client import PATIENCE_SECONDS

UUID = uuid.UUID(int=7)
Program = Callable[["Stage"], Awaitable[Any]]


class Stage:
    """A server, three clients of it, and what each of them received."""

    def __init__(self, sio: Any) -> None:
        self.sio = sio
        self.sids: list[str] = []
        self.ended: asyncio.Queue[Any] = asyncio.Queue()
        self.clients: list[socketio.AsyncClient] = []
        self.received: list[list[tuple[Any, ...]]] = []
        sio.on("connect", self._connect)
        sio.on("disconnect", self._disconnect)

    async def open(self, url: str) -> None:
        for number in range(3):
            client = socketio.AsyncClient()
            self.clients.append(client)
            self.received.append([])
            client.on("*", self._receiver(number))
            await client.connect(url, transports=["websocket"], wait_timeout=PATIENCE_SECONDS)

    async def got(self) -> list[list[tuple[Any, ...]]]:
        """Return what each client has received since it was asked last."""
        for sid in self.sids:
            if self.sio.manager.is_connected(sid, "/"):
                await self.sio.call("mark", to=sid, timeout=PATIENCE_SECONDS)
        before = [list(events) for events in self.received]
        for events in self.received:
            events.clear()
        return before

    async def outcome(self, call: Awaitable[Any]) -> Any:
        """Return what a call returned, or which error it raised."""
        try:
            return await call
        except Exception as error:  # noqa: BLE001 - the outcome
            return type(error), str(error)

    async def outcomes(self, *calls: Awaitable[Any]) -> list[Any]:
        """Return the outcome of one call after the other."""
        return [await self.outcome(call) for call in calls]

    def _receiver(self, number: int) -> Callable[..., Any]:
        def receive(event: str, *arguments: Any) -> Any:
            if event != "mark":
                self.received[number].append((event, *arguments))
            return ("answer", number)

        return receive

    async def _connect(self, sid: str, _environ: Any, _auth: Any) -> None:
        self.sids.append(sid)
        await self.sio.save_session(sid, {"number": len(self.sids)})
        await self.sio.enter_room(sid, 7)

    async def _disconnect(self, sid: str, reason: str) -> None:
        """Tell what an application still finds here."""
        async with self.sio.session(sid) as session:
            session["left"] = True
        await self.sio.emit("left", to=7)
        rooms = [room for room in self.sio.rooms(sid) if room != sid]
        found = (session, rooms, self.sio.transport(sid), bool(self.sio.get_environ(sid)))
        await self.ended.put((reason, found, self.sio.manager.is_connected(sid, "/")))


@pytest.fixture
def like_stock(start_server: Start) -> Callable[[Program], Awaitable[Any]]:
    """Return a function that runs a program on both servers, and returns what both do."""

    async def run(sio: Any, program: Program) -> Any:
        app = web.Application()
        sio.attach(app)
        stage = Stage(sio)
        server = await start_server(app, TestServer)
        await stage.open(str(server.make_url("")))
        result = await program(stage)
        await asyncio.gather(*(client.shutdown() for client in stage.clients))
        return result

    async def run_both(program: Program) -> Any:
        stock = await run(socketio.AsyncServer(async_mode="aiohttp"), program)
        assert await run(Server(Manager()), program) == stock
        return stock

    return run_both


LikeStock = Callable[[Program], Awaitable[Any]]

# By name: what is emitted to whom (0, 1, 2 are the clients), and who gets it with which arguments.
EMITS: dict[str, tuple[dict[str, Any], list[int], list[Any]]] = {
    "a room that is a number": ({"room": 7}, [0, 1, 2], ["data"]),
    "to a number": ({"to": 7}, [0, 1, 2], ["data"]),
    "a room that is an object": ({"room": UUID}, [0], ["data"]),
    "no such number": ({"room": 0}, [], []),
    "an empty name": ({"room": ""}, [], []),
    "several of all kinds": ({"to": [UUID, "text", "nowhere"]}, [0, 1], ["data"]),
    "a room and a client": ({"to": ["text", 2]}, [1, 2], ["data"]),
    "all": ({}, [0, 1, 2], ["data"]),
    "none of a list": ({"to": []}, [0, 1, 2], ["data"]),
    "all but one": ({"skip_sid": 0}, [1, 2], ["data"]),
    "all but two": ({"skip_sid": [0, 1]}, [2], ["data"]),
    "a room but one": ({"room": 7, "skip_sid": [1]}, [0, 2], ["data"]),
    "no data": ({"data": None, "room": 7, "skip_sid": 0}, [1, 2], []),
    "an empty tuple": ({"data": (), "to": 1}, [1], []),
    "a tuple": ({"data": (1, {"a": b"x"}), "to": 1}, [1], [1, {"a": b"x"}]),
    "a list": ({"data": [1, 2], "to": 1}, [1], [[1, 2]]),
    "bytes": ({"data": b"x", "to": 1}, [1], [b"x"]),
    "at once": ({"to": 1, "ignore_queue": True}, [1], ["data"]),
    "another namespace": ({"namespace": "/none"}, [], []),
}


@pytest.mark.parametrize(("options", "expected", "data"), EMITS.values(), ids=EMITS.keys())
async def test_an_emit_reaches_the_same_clients(
    like_stock: LikeStock, options: dict[str, Any], expected: list[int], data: list[Any]
) -> None:
    def sids(stage: Stage, value: Any) -> Any:
        if isinstance(value, list):
            return [sids(stage, one) for one in value]
        return stage.sids[value] if type(value) is int and value < 3 else value

    async def program(stage: Stage) -> Any:
        await stage.sio.enter_room(stage.sids[0], UUID)
        await stage.sio.enter_room(stage.sids[1], "text")
        chosen = {"data": "data", **options}
        for key in ("to", "skip_sid"):
            if key in chosen:
                chosen[key] = sids(stage, chosen[key])
        await stage.sio.emit("event", **chosen)
        return await stage.got()

    received = await like_stock(program)
    assert received == [[("event", *data)] if number in expected else [] for number in range(3)]


async def test_rooms_are_entered_left_and_closed_alike(like_stock: LikeStock) -> None:
    async def program(stage: Stage) -> Any:
        sio, (one, other, _third) = stage.sio, stage.sids

        def rooms() -> list[Any]:
            return [room for room in sio.rooms(one) if room != one]

        found = [rooms()]
        for room in (UUID, (1, 2), "text"):
            await sio.enter_room(one, room)
        found.append(sorted(map(str, rooms())))
        found += await stage.outcomes(
            *(sio.enter_room(one, one), sio.enter_room(one, other), sio.close_room(one)),
            *(sio.leave_room(one, UUID), sio.leave_room(one, "nowhere"), sio.close_room(7)),
            *(sio.leave_room("nobody", "text"), sio.disconnect("nobody"), sio.get_session("none")),
        )
        found += [sorted(map(str, rooms())), sio.rooms("nobody"), sio.get_environ("nobody")]
        await sio.emit("event", room=7)
        await sio.emit("to itself", to=one)
        return found, await stage.got()

    found, received = await like_stock(program)
    assert found[0] == [7]
    assert received == [[("to itself",)], [], []]


async def test_clients_are_asked_alike(like_stock: LikeStock) -> None:
    async def program(stage: Stage) -> Any:
        sio, (one, other, _third) = stage.sio, stage.sids
        answers: asyncio.Queue[Any] = asyncio.Queue()

        def answered(*arguments: Any) -> None:
            answers.put_nowait(arguments)

        await sio.enter_room(other, "text")
        await sio.emit("ask", 1, to=one, callback=answered)
        first = await answers.get()
        await sio.emit("ask", 1, room="text", callback=answered)
        found = [first, await answers.get()]
        found += await stage.outcomes(
            *(sio.call("ask", "data", to=one), sio.call("ask", sid=other), sio.call("ask")),
            sio.call("ask", to="nobody", timeout=0.01),
        )
        return found, await stage.got()

    found, _received = await like_stock(program)
    assert found[:4] == [("answer", 0), ("answer", 1), ("answer", 0), ("answer", 1)]


async def test_who_leaves_is_known_to_its_handler(like_stock: LikeStock) -> None:
    """Sessions too, which applications look into to tell others who has left."""

    async def program(stage: Stage) -> Any:
        ended = []
        await stage.sio.disconnect(stage.sids[0])
        ended.append(await stage.ended.get())
        await stage.clients[1].disconnect()
        ended.append(await stage.ended.get())
        [*_others, received] = await stage.got()
        await stage.clients[2].eio.ws.close()
        ended.append(await stage.ended.get())
        while list(stage.sio.manager.get_namespaces()):  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)
        gone = await stage.outcomes(
            *(stage.sio.get_session(sid) for sid in stage.sids),
            stage.sio.emit("event", to=stage.sids[2]),
            stage.sio.enter_room(stage.sids[2], "text"),
        )
        return ended, gone, received

    ended, gone, received = await like_stock(program)
    assert [reason for reason, _found, _connected in ended] == [
        *("server disconnect", "transport close", "transport close")
    ]
    assert ended[0][1] == ({"number": 1, "left": True}, [7], "websocket", True)
    assert gone[0] == (KeyError, "'Session not found'")
    assert received == [("left",), ("left",)]
