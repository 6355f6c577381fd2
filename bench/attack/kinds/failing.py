"""Failing: requests whose refusal costs more than a success."""

from __future__ import annotations

import json
from typing import Any, Final

from bench.attack.arena import Arena
from bench.attack.registry import HISTORY_BYTES, Who, attack
from bench.attack.speech import event, unknown_keys

_MANY: Final = 1000  # more than there is time for


async def _ask(arena: Arena, one_packet: str, times: int, namespace: str = "/circles") -> None:
    """Ask again and again, each time when the last one is answered."""
    token = arena.token("mallory", "agent" if namespace == "/workspaces" else "user")

    async def ask(_number: int) -> None:
        one = await arena.member(namespace, token)
        for _time in range(times):
            await one.text(one_packet)
            arena.counts["requests"] += 1
            await one.starting("43")

    await arena.insist(1, ask)


@attack("join-unknown-keys", Who.MEMBER, short={"times": 2})
async def join_unknown_keys(arena: Arena, *, keys: int = 88_000, times: int = _MANY) -> None:
    """`join` with 88,000 keys that nobody knows, which no grant is needed for."""
    keyed = unknown_keys(keys, '"channel":"elsewhere"')
    await _ask(arena, f'42/circles,1["join",{keyed}]', times)


@attack("history-unknown-keys", Who.MEMBER, short={"times": 2})
async def history_unknown_keys(arena: Arena, *, keys: int = 88_000, times: int = _MANY) -> None:
    """`history` with as many."""
    keyed = unknown_keys(keys, '"channel":"den"')
    await _ask(arena, f'42/circles,1["history",{keyed}]', times)


@attack("publish-unknown-keys", Who.MEMBER, short={"times": 2})
async def publish_unknown_keys(arena: Arena, *, keys: int = 88_000, times: int = _MANY) -> None:
    """A message whose envelope has as many."""
    keyed = unknown_keys(keys, '"channel":"den","data":{"content":"x"}')
    await _ask(arena, f'42/circles,1["user_message",{keyed}]', times)


@attack("ping-unknown-keys", Who.MEMBER, short={"times": 2})
async def ping_unknown_keys(arena: Arena, *, keys: int = 88_000, times: int = _MANY) -> None:
    """`ping`, which may have any argument, with as many."""
    await _ask(arena, f'42/circles,1["ping",{unknown_keys(keys)}]', times)


@attack("nested-unknown-keys", Who.MEMBER, short={"times": 2})
async def nested_unknown_keys(arena: Arena, *, keys: int = 85_000, times: int = _MANY) -> None:
    """`join` whose `since` has as many."""
    since = unknown_keys(keys, '"offset":1,"epoch":"x"')
    await _ask(arena, f'42/circles,1["join",{{"channel":"den","since":{since}}}]', times)


@attack("plain-unknown-keys", Who.MEMBER, short={"times": 2})
async def plain_unknown_keys(arena: Arena, *, keys: int = 85_000, times: int = _MANY) -> None:
    """A request on `/ws/channels` with as many."""
    keyed = unknown_keys(keys, '"type":"join","id":1,"namespace":"/circles","channel":"den"')

    async def ask(_number: int) -> None:
        one = await arena.plain("/ws/channels", arena.token())
        for _time in range(times):
            await one.text(keyed)
            arena.counts["requests"] += 1
            await one.next()

    await arena.insist(1, ask)


@attack("git-status-numbers", Who.MEMBER, short={"times": 1})
async def git_status_numbers(arena: Arena, *, numbers: int = 480_000, times: int = _MANY) -> None:
    """`git_status` with 480,000 numbers where paths belong."""
    await _git_status(arena, [1] * numbers, "den", times)


@attack("git-status-paths", Who.MEMBER, short={"times": 1}, kept_bytes=HISTORY_BYTES)
async def git_status_paths(arena: Arena, *, paths: int = 240_000, times: int = _MANY) -> None:
    """`git_status` with 240,000 paths, which are all right."""
    await _git_status(arena, ["x"] * paths, "den", times)


@attack("git-status-forbidden", Who.MEMBER, short={"times": 1})
async def git_status_forbidden(arena: Arena, *, paths: int = 240_000, times: int = _MANY) -> None:
    """The same into a workspace that the token doesn't open."""
    await _git_status(arena, ["x"] * paths, "elsewhere", times)


async def _git_status(arena: Arena, changed: list[Any], channel: str, times: int) -> None:
    data = {"branch": "main", "changed": changed}
    packet = event("/workspaces", "git_status", {"channel": channel, "data": data}, 1)
    await _ask(arena, packet, times, "/workspaces")


@attack("notification-ids", Who.MEMBER, short={"times": 1})
async def notification_ids(arena: Arena, *, ids: int = 450_000, times: int = _MANY) -> None:
    """`notification_read` with 450,000 ids of the wrong kind."""
    data = {"ids": [0] * ids}
    packet = event(
        "/notifications", "notification_read", {"channel": "user:mallory", "data": data}, 1
    )
    await _ask(arena, packet, times, "/notifications")


@attack("unknown-types", Who.MEMBER, short={"times": 100})
async def unknown_types(arena: Arena, *, times: int = 1_000_000) -> None:
    """Events of types that aren't there, for each of which the nearest name is looked up."""

    async def ask(number: int) -> None:
        one = await arena.member(number=number)
        for time in range(times):
            name = f"agent_mesage_{time % 1000}_{'x' * 40}"
            await one.text(event("/circles", name, {"channel": "den", "data": {}}, 1))
            arena.counts["requests"] += 1
            await one.starting("43")

    await arena.insist(4, ask)


@attack("long-types", Who.MEMBER, short={"times": 2})
async def long_types(arena: Arena, *, size: int = 900_000, times: int = _MANY) -> None:
    """Events whose name is of 0.9 MB."""
    await _ask(arena, event("/circles", "a" * size, {"channel": "den", "data": {}}, 1), times)


@attack("long-channels", Who.MEMBER, short={"times": 2})
async def long_channels(arena: Arena, *, size: int = 300_000, times: int = _MANY) -> None:
    """`join` of a channel whose name is of 300,000 characters that NFC has to reorder."""
    name = "a" + "\u0316\u0301" * (size // 2)
    packet = '42/circles,1["join",' + json.dumps({"channel": name}, ensure_ascii=False) + "]"
    await _ask(arena, packet, times)


@attack("long-integers", Who.MEMBER, short={"times": 2})
async def long_integers(arena: Arena, *, digits: int = 900_000, times: int = _MANY) -> None:
    """A message with an integer of 900,000 digits."""
    packet = (
        '42/circles,1["user_message",{"channel":"den","data":{"content":"x","n":'
        + "9" * digits
        + "}}]"
    )
    await _ask(arena, packet, times)


@attack("deep-messages", Who.MEMBER, short={"times": 2})
async def deep_messages(arena: Arena, *, depth: int = 400_000, times: int = _MANY) -> None:
    """A message of 400,000 lists within lists."""
    lists = "[" * depth + "]" * depth
    packet = (
        f'42/circles,1["user_message",{{"channel":"den","data":{{"content":"x","n":{lists}}}}}]'
    )
    await _ask(arena, packet, times)


@attack("wide-messages", Who.MEMBER, short={"times": 2}, kept_bytes=HISTORY_BYTES)
async def wide_messages(arena: Arena, *, lists: int = 300_000, times: int = _MANY) -> None:
    """A message of 300,000 empty lists, which is all right."""
    wide = "[" + ",".join(["[]"] * lists) + "]"
    packet = f'42/circles,1["user_message",{{"channel":"den","data":{{"content":"x","n":{wide}}}}}]'
    await _ask(arena, packet, times)


@attack("surrogates", Who.MEMBER, short={"times": 2})
async def surrogates(arena: Arena, *, size: int = 900_000, times: int = _MANY) -> None:
    """A message of 150,000 halves of emojis."""
    packet = (
        '42/circles,1["user_message",{"channel":"den","data":{"content":"'
        + "\\ud83d" * (size // 6)
        + '"}}]'
    )
    await _ask(arena, packet, times)


@attack("large-forbidden", Who.MEMBER, short={"times": 2})
async def large_forbidden(arena: Arena, *, size: int = 900_000, times: int = _MANY) -> None:
    """Messages of 0.9 MB into a channel that the token doesn't open."""
    message = {"channel": "elsewhere", "data": {"content": "x" * size}}
    await _ask(arena, event("/circles", "user_message", message, 1), times)


@attack("too-large", Who.MEMBER, short={"times": 2})
async def too_large(arena: Arena, *, size: int = 1_900_000, times: int = _MANY) -> None:
    """Messages of 1.9 MB, which are too large, but not so large that one is closed."""
    message = {"channel": "den", "data": {"content": "x" * size}}
    await _ask(arena, event("/circles", "user_message", message, 1), times)


@attack("authenticate-large-tokens", Who.MEMBER, short={"times": 4})
async def authenticate_large(arena: Arena, *, size: int = 900_000, times: int = _MANY) -> None:
    """`authenticate` with tokens of 0.9 MB, and no good."""
    token = f"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{'e' * size}.eHh4"
    await _ask(arena, event("/circles", "authenticate", {"token": token}, 1), times)


@attack("many-arguments", Who.MEMBER, short={"times": 2})
async def many_arguments(arena: Arena, *, arguments: int = 450_000, times: int = _MANY) -> None:
    """`join` with 450,000 arguments."""
    await _ask(arena, '42/circles,1["join"' + ",1" * arguments + "]", times)


@attack("long-ack-numbers", Who.MEMBER, short={"times": 2})
async def long_ack_numbers(arena: Arena, *, digits: int = 900_000, times: int = 4) -> None:
    """Requests whose ack has a number of 900,000 digits."""
    packet = "42/circles," + "9" * digits + '["ping",{}]'

    async def ask(_number: int) -> None:
        one = await arena.member()
        one.discard()
        for _time in range(times):
            await one.text(packet)
            arena.counts["requests"] += 1
        await arena.hold()

    await arena.insist(1, ask)


@attack("attachments-of-events", Who.MEMBER, short={"times": 1})
async def attachments_of_events(
    arena: Arena, *, placeholders: int = 30_000, times: int = _MANY
) -> None:
    """Events that announce an attachment and have 30,000 placeholders for it."""
    many = ",".join(['{"_placeholder":true,"num":0}'] * placeholders)

    async def ask(_number: int) -> None:
        one = await arena.member()
        one.discard()
        for _time in range(times):
            await one.text(f'451-/circles,1["join",{many}]')
            await one.send(b"\x82\x84\0\0\0\0abcd")
            arena.counts["requests"] += 1

    await arena.insist(1, ask)
