"""Failing: requests whose refusal costs more than a success."""

from __future__ import annotations

from bench.attack.arena import Arena
from bench.attack.registry import Who, attack
from bench.attack.speech import event, unknown_keys


@attack("join-unknown-keys", Who.MEMBER, short={"times": 2})
async def join_unknown_keys(arena: Arena, *, keys: int = 88_000, times: int = 1000) -> None:
    """`join` with 88,000 keys that nobody knows, which no grant is needed for."""
    packet = '42/circles,1["join",' + unknown_keys(keys, '"channel":"elsewhere"') + "]"
    one = await arena.member()
    for _time in range(times):
        await one.text(packet)
        arena.counts["requests"] += 1
        await one.starting("43")


@attack("git-status-numbers", Who.MEMBER, short={"times": 1})
async def git_status_numbers(arena: Arena, *, numbers: int = 480_000, times: int = 1000) -> None:
    """`git_status` with 480,000 numbers where paths belong."""
    data = {"branch": "main", "changed": [1] * numbers}
    packet = event("/workspaces", "git_status", {"channel": "den", "data": data}, 1)
    one = await arena.member("/workspaces", arena.token("mallory", "agent"))
    for _time in range(times):
        await one.text(packet)
        arena.counts["requests"] += 1
        await one.starting("43")
