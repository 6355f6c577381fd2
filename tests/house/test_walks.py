"""The walks of docs/design.md are those that the program makes, and turn back nowhere."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Final

import aiohttp
import pytest
import socketio
from aiohttp.test_utils import TestServer

from tests.fixtures.clients import OpenWire
from tests.fixtures.servers import Serve
from tests.house.source import ROOT
from tests.house.walks import Stop, missing, recorded, walks
from tests.support.ready import until_ready
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE
from tests.support.wire import Wire

MOST_STOPS: Final = 20
WALKS: Final = walks()
MESSAGE, EMIT, RETURN = WALKS


def test_there_are_three() -> None:
    assert [MESSAGE, EMIT, RETURN] == [
        "A client's message",
        "A worker's emit",
        "A client that comes back",
    ]


@pytest.mark.parametrize("title", WALKS)
def test_a_walk_is_short(title: str) -> None:
    assert 5 < len(WALKS[title]) <= MOST_STOPS


@pytest.mark.parametrize("title", WALKS)
def test_a_walk_turns_back_nowhere(title: str) -> None:
    """It may come by a room again on its way out, but never goes from one to another and back,
    except at its far end, where the broker is asked. The core is vocabulary, and no stop."""
    stops = [stop.room for stop in WALKS[title] if stop.room != "app/core"]
    rooms = [room for room, _stops in groupby(stops)]
    turns = [
        (before, room)
        for before, room, after in zip(rooms, rooms[1:], rooms[2:], strict=False)
        if before == after
    ]
    assert [room for _before, room in turns if room not in {"app/broker", "app/redis"}] == []
    assert max(rooms.count(room) for room in rooms) <= 2


async def test_a_clients_message(server: TestServer, open_wire: OpenWire) -> None:
    wire = await (await open_wire()).join("/circles", ALICE)
    await wire.request('["join",{"channel":"dev-team"}]')
    with recorded() as stops:
        await wire.request('["user_message",{"channel":"dev-team","data":{"content":"Hello"}}]')
        await wire.request('["ping",null]')
    assert missing(WALKS[MESSAGE], stops) == []


async def test_a_workers_emit(
    serve: Serve, redis_server: RedisServer, session: aiohttp.ClientSession
) -> None:
    server = await serve(redis_url=redis_server.url)
    await until_ready(server)
    wire = await (await Wire.open(session, server)).join("/circles", ALICE)
    await wire.request('["join",{"channel":"dev-team"}]')
    worker = socketio.AsyncRedisManager(redis_server.url, write_only=True)
    with recorded() as stops:
        payload = {"agent_id": 7, "content": "Hello"}
        await worker.emit("agent_message", payload, room="dev-team", namespace="/circles")
        await wire.next('42/circles,["agent_message"')
    assert missing(WALKS[EMIT], stops) == []
    await worker.redis.aclose()
    await worker.pubsub.aclose()
    await wire.close()


async def test_a_client_that_comes_back(server: TestServer, session: aiohttp.ClientSession) -> None:
    wire = await Wire.open(session, server)
    await wire.send("40/circles," + json.dumps({"token": ALICE, "recover": True}))
    welcome = json.loads((await wire.next("40/circles")).removeprefix("40/circles,"))
    await wire.next('42/circles,["connection_ack"')
    await wire.request('["join",{"channel":"dev-team"}]')
    await wire.close()
    with recorded() as stops:
        wire = await Wire.open(session, server)
        auth = {"token": ALICE, "recover": True, "pid": welcome["pid"]}
        await wire.send("40/circles," + json.dumps(auth))
        await wire.next('42/circles,["connection_ack"')
        await wire.request('["ping",null]')
    assert missing(WALKS[RETURN], stops) == []
    await wire.close()


@pytest.mark.parametrize("stop", [stop for walk in WALKS.values() for stop in walk], ids=str)
def test_every_stop_is_there(stop: Stop) -> None:
    assert (ROOT / stop.path).is_file()
