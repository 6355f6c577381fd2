"""The existing clients, as they behave: what each sends, switches on and looks at.

They bring no token, so they are those of a developer's server; and they keep no offsets.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from app.auth import DEVELOPMENT_SECRET
from app.core.identity import Kind
from tests.fixtures.clients import Connect
from tests.fixtures.servers import Serve
from tests.support.client import PATIENCE_SECONDS
from tests.support.tokens import token

Message = dict[str, Any]


class EventClient:
    """What the JavaScript clients are: a handler per type; other types are noted and ignored."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.handlers: dict[str, Callable[[Message], object]] = {}
        self.unknown: list[str] = []

    async def handle(self, name: str) -> None:
        """Handle messages up to one of a type."""
        seen = None
        while seen != name:
            message = json.loads(await self.socket.receive_str(timeout=PATIENCE_SECONDS))
            seen = message["type"]
            if handler := self.handlers.get(seen):
                handler(message)
            else:
                self.unknown.append(seen)


@pytest.fixture
async def server(serve: Serve) -> TestServer:
    """A server on a developer's machine."""
    return await serve(auth_mode="none", auth_secret=None)


def development(kind: Kind) -> str:
    """Return a token that a developer's server takes."""
    agent_id = 7 if kind == "agent" else None
    return token(f"some-{kind}", kind, "*:*:rw", secret=DEVELOPMENT_SECRET, agent_id=agent_id)


async def test_the_circle_clients_handlers_get_data(
    server: TestServer, session: aiohttp.ClientSession, connect: Connect
) -> None:
    async with session.ws_connect(server.make_url("/ws/circles/dev-team")) as socket:
        client = EventClient(socket)
        shown: list[str] = []
        client.handlers["agent_message"] = lambda message: shown.append(
            f"{message['data']['agent_id']}: {message['data']['content']}"
        )
        # It sends whatever it is given, as JSON, once it is open.
        await socket.send_json({"type": "user_message", "content": "Hello"})
        await client.handle("user_message")
        agent = await connect(token=development("agent"))
        data = {"agent_id": 7, "content": "Hi"}
        answer = await agent.request("agent_message", {"channel": "dev-team", "data": data})
        assert answer["ok"]
        await client.handle("agent_message")
    assert shown == ["7: Hi"]
    assert client.unknown[:2] == ["connection_ack", "user_message"]


async def test_the_workspace_clients_handlers_get_data(
    server: TestServer, session: aiohttp.ClientSession, connect: Connect
) -> None:
    async with session.ws_connect(server.make_url("/ws/workspace/42")) as socket:
        client = EventClient(socket)
        paths: list[str] = []
        client.handlers["file_changed"] = lambda message: paths.append(message["data"]["path"])
        await client.handle("connection_ack")
        service = await connect("/workspaces", development("service"))
        await service.request("file_changed", {"channel": "42", "data": {"path": "a.py"}})
        await client.handle("file_changed")
    assert paths == ["a.py"]


async def test_the_notification_client(
    server: TestServer, session: aiohttp.ClientSession, connect: Connect
) -> None:
    """It shows a notification's data, reloads tasks, and shows an announcement's `message`."""
    async with session.ws_connect(server.make_url("/ws/notifications/user_123")) as socket:
        client = EventClient(socket)
        shown: list[object] = []
        client.handlers |= {
            "notification": lambda message: shown.append(message["data"]["title"]),
            "task_update": lambda message: shown.append(message["action"]),
            "system_announcement": lambda message: shown.append(message["message"]),
        }
        await client.handle("connection_ack")
        service = await connect("/notifications", development("service"))
        for name, channel, further in (
            ("notification", "user:user_123", {"data": {"title": "New", "message": "…"}}),
            ("task_update", "user:user_123", {"data": {"task_id": "abc"}, "action": "created"}),
            ("my_plugin_update", "user:user_123", {"data": {"item_id": "1"}}),
            ("system_announcement", "broadcast", {"data": {"message": "Soon"}}),
        ):
            assert (await service.request(name, {"channel": channel, **further}))["ok"]
        await client.handle("system_announcement")
    assert shown == ["New", "created", "Soon"]
    assert client.unknown == ["connection_ack", "my_plugin_update"]


async def test_the_react_hook_shows_the_data_of_whatever_comes(
    server: TestServer, session: aiohttp.ClientSession
) -> None:
    """It keeps every message and looks into its `data`, whatever its type."""
    async with session.ws_connect(server.make_url("/ws/circles/dev-team")) as socket:
        await socket.send_json({"type": "user_message", "content": "Hello"})
        await socket.send_json({"type": "nonsense"})
        messages: list[Message] = []
        while not {"user_message", "error"} <= {one["type"] for one in messages}:
            messages.append(await socket.receive_json(timeout=PATIENCE_SECONDS))
    assert [one["data"].get("content") for one in messages if one["type"] == "user_message"] == [
        "Hello"
    ]
    assert all(isinstance(one["data"], dict) for one in messages)


async def test_the_python_client_receives_its_own_message(
    server: TestServer, session: aiohttp.ClientSession
) -> None:
    """It sends before it has read anything, and then reads for ever."""
    async with session.ws_connect(server.make_url("/ws/circles/dev-team")) as socket:
        await socket.send_str(json.dumps({"type": "user_message", "content": "Hello, agents!"}))
        async for frame in socket:
            if (message := frame.json())["type"] == "user_message":
                break
    assert message["data"]["content"] == "Hello, agents!"
    assert message["sender"] == {"id": "developer", "kind": "user"}


async def test_a_heartbeats_answer_is_taken(
    server: TestServer, session: aiohttp.ClientSession
) -> None:
    """Pings are asked and answered as messages by some clients."""
    async with session.ws_connect(server.make_url("/ws/circles/test")) as socket:
        await socket.send_json({"type": "pong"})
        await socket.send_json({"type": "ping"})
        types = [(await socket.receive_json(timeout=PATIENCE_SECONDS))["type"] for _ in range(2)]
    assert types == ["connection_ack", "pong"]


async def test_the_dashboard(
    server: TestServer, session: aiohttp.ClientSession, connect: Connect
) -> None:
    """It looks at `channel`, takes a list as history, and keeps alive with `ping`."""
    worker = await connect("/feeds", development("service"))
    await worker.request("log", {"channel": "codeworm:logs", "data": {"line": 1}})
    async with session.ws_connect(server.make_url("/ws")) as socket:
        lines: list[object] = []
        numbers: list[object] = []

        async def take() -> None:
            message = await socket.receive_json(timeout=PATIENCE_SECONDS)
            if message.get("channel") == "codeworm:history":
                lines.extend(one["data"] for one in message["data"])
            elif message.get("channel") in ("codeworm:logs", "codeworm:events"):
                lines.append(message["data"])
            elif message.get("channel") == "codeworm:stats":
                numbers.append(message["data"])
            else:
                assert message == {"type": "pong"}

        await take()
        await socket.send_str("ping")
        await take()
        for name in ("event", "stats"):
            channel = "codeworm:events" if name == "event" else "codeworm:stats"
            await worker.request(name, {"channel": channel, "data": {"of": name}})
            await take()
    assert lines == [{"line": 1}, {"of": "event"}]
    assert numbers == [{"of": "stats"}]
