"""The scene of the screenshots: who is there, and what they say."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from app.auth import DEVELOPMENT_SECRET
from app.core.identity import Kind
from tests.support.client import Client
from tests.support.tokens import token

CHAT = "assistant/shop/4711"
LOGS = "codeworm:logs"
_ANSWER = (
    "The checkout failed because the payment gateway timed out after 30 s. "
    "I raised the limit to 60 s and added a retry with the same idempotency key."
)


class Scene:
    """Clients of a server in development mode, who leave when it is closed.

    Args:
        url: of the server.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._clients: list[Client] = []

    async def close(self) -> None:
        """Leave."""
        await asyncio.gather(*(client.disconnect() for client in self._clients))

    async def play(self) -> None:
        """Come, talk, and stay."""
        ann, ben = await self._connect("ann", "user"), await self._connect("ben", "user")
        reviewer = await self._connect("reviewer", "agent")
        for client in (ann, ben, reviewer):
            await client.join()
        await ben.join("release-42")
        await reviewer.join("release-42")
        await ann.say("Morning! The checkout fails for some orders since last night.")
        await self._publish(
            reviewer,
            "agent_message",
            agent_id="reviewer",
            content="12 of 3,480 orders. All of them waited for the payment gateway.",
            failed=12,
            orders=3480,
            gateway={"p50_ms": 310, "p99_ms": 30_000, "timeout_ms": 30_000},
        )
        await ben.say("Can you fix that?")
        await self._publish(
            reviewer,
            "agent_message",
            agent_id="reviewer",
            content="On it. The limit is too low; I'll open a pull request.",
        )
        await ann.say("Thanks. I'll tell the customers.")
        await self._publish(reviewer, "typing", typing=True)
        await self._stream_logs()
        await self._chat()

    async def _stream_logs(self) -> None:
        worker = await self._connect("worker-3", "service", "/feeds")
        await worker.join(LOGS)
        chance = random.Random(7)  # the same scene each time
        for number in range(40):
            level = chance.choice(["info", "info", "info", "debug", "warning"])
            data: dict[str, Any] = {
                "level": level,
                "message": chance.choice(["order paid", "order placed", "cart updated"]),
                "order": 48_200 + number,
                "ms": chance.randint(3, 900),
            }
            if level == "warning":
                data |= {"message": "gateway slow", "gateway": {"attempt": 2, "region": "eu-1"}}
            await self._publish(worker, "log", LOGS, **data)
            if number % 12 == 11:
                totals = {"requests": 1024 + number, "errors": number // 12, "p95_ms": 412.5}
                await self._publish(worker, "stats", LOGS, **totals)

    async def _chat(self) -> None:
        ann = await self._connect("ann", "user", "/chat")
        agent = await self._connect("assistant", "agent", "/chat")
        for client in (ann, agent):
            await client.join(CHAT)
        await self._publish(ann, "user_message", CHAT, content="Why did order 48217 fail?")
        arguments = {"order": 48_217, "fields": ["status", "payments"]}
        await self._publish(
            agent, "tool_call", CHAT, call_id="c1", tool="orders.get", arguments=arguments
        )
        output = {"status": "failed", "payments": [{"state": "timeout", "after_ms": 30_000}]}
        await self._publish(agent, "tool_output", CHAT, call_id="c1", output=output)
        for index, word in enumerate(_ANSWER.split(" ")):
            delta = f"{word} "
            await self._publish(
                agent, "chat_token", CHAT, message_id="m1", index=index, delta=delta
            )

    async def _connect(self, name: str, kind: Kind, namespace: str = "/circles") -> Client:
        proof = token(name, kind, "*:*:rw", secret=DEVELOPMENT_SECRET)
        client = Client(self._url, namespace, proof)
        self._clients.append(client)
        return await client.connect()

    async def _publish(
        self, client: Client, event: str, to: str = "dev-team", /, **data: Any
    ) -> None:
        answer = await client.request(event, {"channel": to, "data": data})
        assert answer["ok"], answer
