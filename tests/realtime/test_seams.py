"""The places in python-socketio and python-engineio that app/realtime stands on.

When one of these fails after an upgrade, read what changed upstream before changing the test.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import re
from pathlib import Path
from typing import Any

import engineio
import pytest
import socketio
import socketio.packet
from aiohttp.test_utils import TestServer
from socketio.async_pubsub_manager import AsyncPubSubManager

from app.engine import server as engine
from app.realtime import manager, packets, shared_manager
from app.realtime import server as realtime
from namespaces.base import ChannelNamespace
from tests.support.raw import raw_websocket

ROOT = Path(__file__).parents[2]
PINNED = {"python-socketio": "5.18.1", "python-engineio": "4.15.1"}

# What we override: our class, the stock one, the method, and its parameters without self.
OVERRIDDEN: list[tuple[type, type, str, str]] = [
    (realtime.Server, socketio.AsyncServer, "_engineio_server_class", ""),
    (realtime.Server, socketio.AsyncServer, "_send_packet", "eio_sid, pkt"),
    (realtime.Server, socketio.AsyncServer, "get_environ", "sid, namespace=None"),
    (realtime.Server, socketio.AsyncServer, "get_session", "sid, namespace=None"),
    (realtime.Server, socketio.AsyncServer, "save_session", "sid, session, namespace=None"),
    (realtime.Server, socketio.AsyncServer, "transport", "sid, namespace=None"),
    (realtime.Server, socketio.AsyncServer, "register_namespace", "namespace_handler"),
    (
        realtime.Server,
        socketio.AsyncServer,
        "disconnect",
        "sid, namespace=None, ignore_queue=False",
    ),
    (
        realtime.Server,
        socketio.AsyncServer,
        "emit",
        (
            "event, data=None, to=None, room=None, skip_sid=None, namespace=None, callback=None, "
            "ignore_queue=False"
        ),
    ),
    (engine.EngineServer, engineio.AsyncServer, "attach", "app, engineio_path='engine.io'"),
    (engine.EngineServer, engineio.AsyncServer, "generate_id", ""),
    (engine.EngineServer, engineio.AsyncServer, "send_packet", "sid, pkt"),
    (engine.EngineServer, engineio.AsyncServer, "disconnect", "sid=None"),
    (engine.EngineServer, engineio.AsyncServer, "handle_request", "*args, **kwargs"),
    (packets.Packet, socketio.packet.Packet, "decode", "encoded_packet"),
    *(
        (manager.Manager, socketio.AsyncManager, method, expected)
        for method, expected in {
            "get_namespaces": "",
            "get_participants": "namespace, room",
            "is_pre_connected": "sid, namespace",
            "is_connected": "sid, namespace",
            "sid_from_eio_sid": "eio_sid, namespace",
            "eio_sid_from_sid": "sid, namespace",
            "pre_disconnect": "sid, namespace",
            "basic_disconnect": "sid, namespace, **kwargs",
            "is_sid_room": "namespace, room",
            "basic_enter_room": "sid, namespace, room, eio_sid=None",
            "basic_leave_room": "sid, namespace, room",
            "basic_close_room": "room, namespace",
            "enter_room": "sid, namespace, room, eio_sid=None",
            "leave_room": "sid, namespace, room",
            "close_room": "room, namespace",
            "get_rooms": "sid, namespace",
        }.items()
    ),
    (
        manager.Manager,
        socketio.AsyncManager,
        "emit",
        "event, data, namespace, room=None, skip_sid=None, callback=None, to=None, **kwargs",
    ),
    (shared_manager.SharedManager, AsyncPubSubManager, "_publish", "data"),
    (shared_manager.SharedManager, AsyncPubSubManager, "_thread", ""),
    (
        shared_manager.SharedManager,
        AsyncPubSubManager,
        "_return_callback",
        "host_id, sid, namespace, callback_id, *args",
    ),
    (ChannelNamespace, socketio.AsyncNamespace, "trigger_event", "event, *args"),
]
# What we call.
CALLED: list[tuple[Any, str, str]] = [
    *(
        (AsyncPubSubManager, f"_handle_{method}", "message")
        for method in (
            "emit",
            "callback",
            "disconnect",
            "enter_room",
            "leave_room",
            "close_room",
        )
    ),
    (socketio.AsyncServer, "disconnect", "sid, namespace=None, ignore_queue=False"),
    (socketio.AsyncServer, "attach", "app, socketio_path='socket.io'"),
    (socketio.AsyncServer, "_trigger_event", "event, namespace, *args"),
    (
        socketio.AsyncServer,
        "_handle_event_internal",
        "server, sid, eio_sid, data, namespace, id",
    ),
    (engineio.AsyncServer, "_generate_sid_cookie", "sid, attributes"),
    (socketio.AsyncManager, "disconnect", "sid, namespace, **kwargs"),
    (socketio.AsyncManager, "trigger_callback", "sid, id, data"),
    (socketio.AsyncManager, "_generate_ack_id", "sid, callback"),
    (AsyncPubSubManager, "initialize", ""),
    (socketio.redis_manager, "parse_redis_sentinel_url", "url"),
    (
        socketio.packet.Packet,
        "__init__",
        "packet_type=2, data=None, namespace=None, id=None, binary=None, encoded_packet=None",
    ),
    (socketio.packet.Packet, "encode", ""),
]


def parameters(function: Any) -> str:
    """Return a function's parameters as its source has them, without self."""
    signature = inspect.signature(function)
    own = [one for name, one in signature.parameters.items() if name != "self"]
    return str(signature.replace(parameters=own, return_annotation=inspect.Signature.empty))[1:-1]


@pytest.mark.parametrize("package", PINNED)
def test_the_versions_are_those_that_we_wrote_against(package: str) -> None:
    requirements = (ROOT / "requirements.txt").read_text()
    [pinned] = re.findall(rf"^{package}==(\S+)$", requirements, re.MULTILINE)
    assert pinned == importlib.metadata.version(package) == PINNED[package]
    assert PINNED[package] in ((realtime.__package__ and inspect.getdoc(_package())) or "")


def _package() -> Any:
    return importlib.import_module("app.realtime")


@pytest.mark.parametrize(
    ("ours", "stock", "method", "expected"),
    OVERRIDDEN,
    ids=[f"{ours.__name__}.{method}" for ours, _stock, method, _expected in OVERRIDDEN],
)
def test_what_we_override_is_there(ours: type, stock: type, method: str, expected: str) -> None:
    theirs = getattr(stock, method)
    assert issubclass(ours, stock)
    assert method in vars(ours)
    assert parameters(theirs) == expected
    is_async = inspect.iscoroutinefunction(theirs) or inspect.isasyncgenfunction(theirs)
    mine = getattr(ours, method)
    assert is_async == (inspect.iscoroutinefunction(mine) or inspect.isasyncgenfunction(mine))


@pytest.mark.parametrize(
    ("stock", "method", "expected"),
    CALLED,
    ids=[f"{stock.__name__}.{method}" for stock, method, _expected in CALLED],
)
def test_what_we_call_is_there(stock: Any, method: str, expected: str) -> None:
    assert parameters(getattr(stock, method)) == expected


def test_every_override_is_in_the_table() -> None:
    """A method of ours with the name of a stock one is an override, also by accident."""
    known = {(ours, method) for ours, _stock, method, _expected in OVERRIDDEN}
    found = {
        (ours, name)
        for ours in {ours for ours, *_rest in OVERRIDDEN}
        for name in vars(ours)
        if callable(vars(ours)[name]) and not (name.startswith("__") and name != "__call__")
        if any(name in vars(base) for base in ours.__mro__[1:-1])
    }
    assert found <= known


async def test_aiohttp_lets_go_of_a_connection_that_is_taken_over(
    server: TestServer,
) -> None:
    """`websocket.take_over` relies on what aiohttp's protocol does when it is lost."""
    async with raw_websocket(server) as client:
        # Not plain enough for the door: aiohttp has it first.
        await client.engine("EIO=4&transport=websocket&aiohttp")
        assert server.runner is not None
        assert server.runner._server is not None
        assert server.runner._server.connections == []
        assert await client.answers_ping()
