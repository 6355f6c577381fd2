"""Every plain path: what it is joined to, who may, and what it is answered with."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from yarl import URL

from tests.fixtures.clients import Connect
from tests.fixtures.logs import Logs
from tests.fixtures.servers import Serve
from tests.plain.conftest import TEAM, Open
from tests.support.tokens import AGENT, ALICE, SERVICE, token

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
# Path, namespace and channel, and what can be published there, by whom.
PATHS: list[tuple[str, str, str, str, str, dict[str, Any]]] = [
    (TEAM, "/circles", "dev-team", ALICE, "user_message", {"content": "Hi"}),
    ("/ws/circles/a%2Fb", "/circles", "a/b", ALICE, "user_message", {"content": "Hi"}),
    ("/ws/circles/Dev%20Team", "/circles", "Dev Team", ALICE, "user_message", {"content": "Hi"}),
    ("/ws/circles/%C3%A9quipe", "/circles", "équipe", ALICE, "user_message", {"content": "Hi"}),
    # Decoded once.
    ("/ws/circles/100%25%2541", "/circles", "100%%41", ALICE, "user_message", {"content": "Hi"}),
    ("/ws/circles/a%2Bb+c%3Fd", "/circles", "a+b+c?d", ALICE, "user_message", {"content": "Hi"}),
    ("/ws/workspace/7", "/workspaces", "7", SERVICE, "file_changed", {"path": "a.py"}),
    ("/ws/agents/agent-7", "/agents", "agent-7", AGENT, "agent_activity", {"activity": "thinks"}),
    ("/ws/support/app-1/chat-1/alice", "/chat", "support/app-1/chat-1", ALICE, "chat_cancel", {}),
    (
        *("/ws/support/app-1/chat-1/agent-7", "/chat", "support/app-1/chat-1", AGENT),
        *("chat_token", {"message_id": 1, "index": 0, "delta": "He"}),
    ),
]


def without_seq(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message without what only plain connections to chats have."""
    return {key: value for key, value in message.items() if key != "seq"}


@pytest.mark.parametrize(("path", "namespace", "channel", "who", "name", "data"), PATHS)
async def test_a_path_is_joined_to_its_channel_and_both_kinds_of_members_talk(
    open_plain: Open,
    connect: Connect,
    path: str,
    namespace: str,
    channel: str,
    who: str,
    name: str,
    data: dict[str, Any],
) -> None:
    plain = await open_plain(path, who)
    ack = await plain.read()
    assert ack["type"] == "connection_ack"
    assert ack["channel"] is None
    assert ack["data"].keys() == {"user_id", "kind", "server_time", "limits", "channels"}
    [place] = ack["data"]["channels"]
    assert (place["channel"], place["recovered"]) == (channel, False)
    other = await connect(namespace, who)
    await other.join(channel)

    await plain.send({"type": name, **data})  # the short form
    by_plain = await plain.next(name)
    assert without_seq(by_plain) == await other.next(name)
    assert (by_plain["channel"], by_plain["data"], by_plain["offset"] > 0) == (channel, data, True)
    assert by_plain["sender"]["id"] == ack["data"]["user_id"]

    answer = await other.request(name, {"channel": channel, "data": data, "nonce": "n"})
    by_other = await plain.next(name)
    assert without_seq(by_other) == await other.next(name, 2)
    assert (by_other["offset"], by_other["nonce"]) == (answer["offset"], "n")


async def test_notifications_and_announcements_reach_their_user(
    open_plain: Open, connect: Connect
) -> None:
    plain = await open_plain("/ws/notifications/alice")
    places = (await plain.read())["data"]["channels"]
    assert [one["channel"] for one in places] == ["user:alice", "broadcast"]
    service = await connect("/notifications", SERVICE)
    data = {"title": "Build", "message": "is green"}
    await service.request("notification", {"channel": "user:alice", "data": data})
    assert (await plain.next("notification"))["data"] == data
    text = {"message": 'In "ten" minutes'}
    await service.request("system_announcement", {"channel": "broadcast", "data": text})
    announced = await plain.next("system_announcement")
    assert announced["message"] == announced["data"]["message"] == text["message"]
    assert "message" not in await service.next("system_announcement")

    agent = await open_plain("/ws/notifications/agent-7", AGENT)
    assert [one["channel"] for one in (await agent.read())["data"]["channels"]] == ["broadcast"]


@pytest.mark.parametrize(
    ("path", "who", "refusal"),
    [
        ("/ws/notifications/bob", ALICE, (4003, "forbidden")),
        ("/ws/notifications/bob", SERVICE, (4003, "forbidden")),
        ("/ws/support/app-1/chat-1/bob", ALICE, (4003, "forbidden")),
        (TEAM, token("eve"), (4003, "forbidden")),
        ("/ws/agents/agent-7", token("eve", "user", "agents:agent-8:r"), (4003, "forbidden")),
        (TEAM, "nonsense", (4001, "unauthorized")),
        (TEAM, token("alice", secret="another secret, of somebody else's"), (4001, "unauthorized")),
        (TEAM, token("alice", expires_in=-60), (4001, "token_expired")),
        ("/ws/circles/no%22name", ALICE, (4004, "invalid")),
        ("/ws/circles/two%0Alines", ALICE, (4004, "invalid")),
        ("/ws/notifications/" + "x" * 256, ALICE, (4004, "invalid")),
        ("/ws/a/b/c/no%7Ebody", ALICE, (4004, "invalid")),
        ("/ws/a/b%2Fb/c/alice", ALICE, (4004, "invalid")),
    ],
)
async def test_who_may_not_is_told_and_closed(
    open_plain: Open, path: str, who: str, refusal: tuple[int, str]
) -> None:
    plain = await open_plain(path, who)
    assert await plain.refusal() == refusal
    assert [one["type"] for one in plain.received] == ["error"]


async def status(session: aiohttp.ClientSession, url: URL, **headers: str) -> int:
    """Return what a handshake is answered with."""
    async with session.get(url, headers=HANDSHAKE | headers) as response:
        await response.read()
        return response.status


@pytest.mark.parametrize("path", ["/ws/circles", "/ws/a/b/c", "/ws/circles/a/b", "/ws/"])
async def test_no_other_path_is_one(
    server: TestServer, session: aiohttp.ClientSession, path: str
) -> None:
    assert await status(session, server.make_url(path)) == 404


async def test_what_is_no_handshake_is_answered_by_http(
    server: TestServer, session: aiohttp.ClientSession
) -> None:
    for method, expected in (("GET", 400), ("POST", 405)):
        async with session.request(method, server.make_url(TEAM)) as response:
            await response.read()
            assert response.status == expected


async def test_pages_of_other_origins_stay_out(
    server: TestServer, session: aiohttp.ClientSession, open_plain: Open
) -> None:
    assert await status(session, server.make_url(TEAM), Origin="https://evil.example.com") == 403
    own = await open_plain(origin=str(server.make_url("")).rstrip("/"))
    await own.next("connection_ack")


async def test_a_development_server_answers_to_names_of_this_machine_only(
    session: aiohttp.ClientSession, serve: Serve, open_plain: Open
) -> None:
    server = await serve(auth_mode="none", auth_secret=None)
    assert await status(session, server.make_url(TEAM), Host="rebound.example.com") == 403
    await (await open_plain(url=str(server.make_url("")))).next("connection_ack")


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/ws/channel", "/ws/channels"),
        ("/ws/channels/", "/ws/channels"),
        ("/ws/circle/x", "/ws/circles/{name}"),
        ("/ws/workspaces/x", "/ws/workspace/{id}"),
    ],
)
async def test_a_wrong_path_is_told_which_there_are(
    server: TestServer, session: aiohttp.ClientSession, logs: Logs, path: str, meant: str
) -> None:
    async with session.get(server.make_url(path)) as response:
        assert response.status == 404
        message = (await response.json())["error"]["message"]
    assert message.startswith(f"There is no path {path} here. There are /api/ws, /ws, ")
    assert message.endswith(f"; did you mean {meant}?")
    assert [(line["reason"], line["path"]) for line in logs.refusals()] == [("path", path)]
