"""A thousand leave at once, and nothing of them is left."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import HUB, SERVER
from app.core.channel import Channel
from tests.fixtures.clients import Connect
from tests.fixtures.logs import Logs
from tests.support.raw import RawWebSocket, masked
from tests.support.tokens import ALICE, BOB

CLIENTS = 1000
AT_ONCE = 100


async def join(server: TestServer) -> RawWebSocket:
    """Open a connection that is in channel `c` and in one of its own."""
    socket = await RawWebSocket.open(server)
    sid = await socket.engine()
    socket.write("40/circles," + json.dumps({"token": ALICE}))
    for number, channel in enumerate(("c", sid.strip("~-_"))):
        socket.write(f'42/circles,{number}["join",{{"channel":"{channel}"}}]')
    answers = [one for one in await socket.until("43/circles,1") if str(one).startswith("43")]
    assert all('"ok":true' in str(one) for one in answers)
    return socket


async def join_all(server: TestServer) -> list[RawWebSocket]:
    joined: list[RawWebSocket] = []
    while len(joined) < CLIENTS:
        joined += await asyncio.gather(*(join(server) for _number in range(AT_ONCE)))
    return joined


def leave(socket: RawWebSocket, way: str) -> None:
    if way == "close":
        socket.writer.write(masked(8, b"\x03\xe9"))
    elif way == "disconnect":
        socket.write("41/circles,")
        socket.write("1")
    socket.writer.close() if way != "drop" else socket.close()


@pytest.mark.parametrize("way", ["drop", "close", "disconnect"])
async def test_nobody_is_left_in_rooms_and_presence(
    server: TestServer, connect: Connect, logs: Logs, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.CLIENTS", CLIENTS if way == "drop" else AT_ONCE)
    bystander = await connect(token=BOB)
    await bystander.join("c")
    realtime: Any = server.app[SERVER]
    gone = await join_all(server)
    assert len(realtime.eio.sockets) == len(gone) + 1
    presence = await bystander.request("presence", {"channel": "c"})
    assert {one["id"]: one["connections"] for one in presence["members"]} == {
        "alice": len(gone),
        "bob": 1,
    }

    for socket in gone:
        leave(socket, way)
    while len(presence["members"]) > 1 or len(realtime.eio.sockets) > 1:
        assert (await bystander.request("ping"))["ok"] is True
        presence = await bystander.request("presence", {"channel": "c"})

    await realtime.work.finish(10)
    assert [one["id"] for one in presence["members"]] == ["bob"]
    hub = server.app[HUB]
    assert realtime.manager.count_clients() == {"/circles": 1}
    assert list(hub.memberships.sids(Channel("/circles", "c"))) == [bystander.sid]
    assert realtime.manager.get_rooms(bystander.sid, "/circles") == [bystander.sid, "c"]
    assert realtime.manager.callbacks == {}
    assert len(await hub.channels("/circles")) == 1
    assert logs.tracebacks() == []
