"""Who plain clients are: tokens in the request, in the first message, fresh ones, and none."""

from __future__ import annotations

import pytest

from app.app_keys import PLAIN
from app.core.identity import parse_grants
from tests.fixtures.servers import Serve
from tests.plain.conftest import TEAM, Open
from tests.support.tokens import AGENT, ALICE, BOB, token


@pytest.mark.parametrize("name", ["token", "access_token"])
async def test_a_token_in_the_query(open_plain: Open, name: str) -> None:
    plain = await open_plain(token_key=name)
    assert (await plain.read())["data"]["user_id"] == "alice"


async def test_a_token_in_the_header(open_plain: Open) -> None:
    plain = await open_plain(token=None, headers={"Authorization": f"Bearer {BOB}"})
    assert (await plain.read())["data"]["user_id"] == "bob"


async def test_a_token_in_the_first_message(open_plain: Open) -> None:
    plain = await open_plain(token=None)
    await plain.send({"type": "auth", "token": ALICE})
    await plain.send({"type": "user_message", "content": "at once"})
    ack = await plain.read()
    assert (ack["type"], ack["data"]["user_id"]) == ("connection_ack", "alice")
    assert (await plain.next("user_message"))["data"] == {"content": "at once"}


@pytest.mark.parametrize(
    "first",
    [
        {"type": "auth", "token": "nonsense"},
        {"type": "auth", "token": 5},
        {"type": "auth"},
        {"type": "user_message", "content": "Hi"},
        {"type": "ping"},
        {"token": ALICE},
        "ping",
        "[]",
        b"\x00",
        "x" * 1_000_001,
    ],
)
async def test_any_other_first_message_is_refused(
    open_plain: Open, first: str | bytes | dict[str, object]
) -> None:
    plain = await open_plain(token=None)
    await plain.send(first)
    assert await plain.refusal() == (4001, "unauthorized")


async def test_a_first_message_that_may_not_is_refused_as_forbidden(open_plain: Open) -> None:
    plain = await open_plain("/ws/notifications/alice", None)
    await plain.send({"type": "auth", "token": BOB})
    assert await plain.refusal() == (4003, "forbidden")


async def test_who_says_nothing_is_closed(serve: Serve, open_plain: Open) -> None:
    server = await serve()
    server.app[PLAIN]._due._seconds = 0.05
    plain = await open_plain(token=None, url=str(server.make_url("")))
    assert await plain.refusal() == (4001, "unauthorized")


async def test_a_connection_ends_with_its_token(open_plain: Open) -> None:
    plain = await open_plain(token=token("alice", "user", "*:*:rw", expires_in=1))
    await plain.next("connection_ack")
    assert await plain.refusal() == (4001, "token_expired")


async def test_a_connection_ends_later_by_as_much_as_clocks_may_differ(
    serve: Serve, open_plain: Open
) -> None:
    url = str((await serve(auth_leeway_seconds=60)).make_url(""))
    plain = await open_plain(token=token("alice", "user", "*:*:rw", expires_in=-58), url=url)
    await plain.next("connection_ack")
    await plain.send({"type": "user_message", "content": "Hi"})
    await plain.next("user_message")
    assert await plain.refusal() == (4001, "token_expired")


async def test_a_fresh_token_goes_on(open_plain: Open) -> None:
    plain = await open_plain(token=token("alice", "user", "*:*:rw", expires_in=2))
    await plain.next("connection_ack")
    await plain.send({"type": "auth", "token": ALICE})
    assert (await plain.next("auth"))["data"]["expires_at"].endswith("Z")
    await plain.send({"type": "auth", "token": BOB})
    assert (await plain.error())["code"] == "forbidden"
    await plain.send({"type": "auth", "token": "nonsense"})
    assert (await plain.error())["code"] == "unauthorized"
    await plain.send({"type": "auth", "token": token("alice", "user", "circles:other:r")})
    assert await plain.refusal() == (4003, "forbidden")


async def test_strangers_with_grants_are_joined_at_once(serve: Serve, open_plain: Open) -> None:
    server = await serve(anonymous_grants=parse_grants(["circles:dev-*:r"]))
    url = str(server.make_url(""))
    plain = await open_plain(token=None, url=url)
    assert (await plain.read())["data"]["user_id"].startswith("anonymous-")
    await plain.send({"type": "user_message", "content": "Hi", "nonce": "n"})
    failed = await plain.next("error")
    assert (failed["data"]["code"], failed["nonce"]) == ("forbidden", "n")

    await plain.send({"type": "auth", "token": ALICE})  # and begins anew
    assert (await plain.next("connection_ack"))["data"]["user_id"] == "alice"
    await plain.send({"type": "user_message", "content": "Hi"})
    assert (await plain.next("user_message"))["sender"]["id"] == "alice"

    elsewhere = await open_plain("/ws/circles/secret", None, url)
    await elsewhere.send({"type": "auth", "token": AGENT})
    assert (await elsewhere.read())["data"]["user_id"] == "agent-7"
    elsewhere = await open_plain("/ws/circles/secret", None, url)
    await elsewhere.send({"type": "ping"})
    assert await elsewhere.refusal() == (4001, "unauthorized")


async def test_in_development_a_path_says_who_one_is(serve: Serve, open_plain: Open) -> None:
    url = str((await serve(auth_mode="none", auth_secret=None)).make_url(""))
    for path, who in (
        (TEAM, "developer"),
        ("/ws/notifications/user_123", "user_123"),
        ("/ws/support/app/chat/user_123", "user_123"),
    ):
        plain = await open_plain(path, None, url)
        assert (await plain.read())["data"]["user_id"] == who


@pytest.mark.parametrize(
    ("offered", "selected"),
    [
        (("bearer", ALICE), "bearer"),
        ((f"access_token.{ALICE}",), f"access_token.{ALICE}"),
        (("mozaiks", f"access_token.{ALICE}"), "mozaiks"),
    ],
)
@pytest.mark.parametrize("path", [TEAM, "/ws/channels", "/ws/support/app/chat/_", "/ws"])
async def test_a_token_as_a_subprotocol(
    open_plain: Open, path: str, offered: tuple[str, ...], selected: str
) -> None:
    plain = await open_plain(path, None, protocols=offered)
    assert plain.socket.protocol == selected
    if path == "/ws":
        await plain.send("ping")
        assert await plain.read() == {"type": "pong"}
    else:
        assert (await plain.read())["data"]["user_id"] == "alice"


async def test_a_first_message_without_a_token_is_told_how_to_send_one(open_plain: Open) -> None:
    plain = await open_plain(token=None)
    await plain.send({})
    error = await plain.error()
    assert error["message"] == 'The first message must be {"type": "auth", "token": "…"}.'
