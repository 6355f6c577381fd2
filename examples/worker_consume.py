"""A worker that answers what people say in circles, and shares that work with others like it.

    REDIS_URL=redis://localhost:6379/0 python examples/worker_consume.py

Run as many as there is work for. Each message goes to one of them; what one leaves behind when it
dies is done by another.
"""

import asyncio
import json
import os
from typing import Any

import redis.asyncio as redis
import socketio
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

INBOX = os.environ.get("HEARTH_PREFIX", "hearth") + ":inbox"
GROUP = "answerers"
NAME = f"answerer-{os.uname().nodename}-{os.getpid()}"
PATIENCE_MS = 5_000  # longer than any answer takes: whoever needs more is taken for dead


async def answer(members: socketio.AsyncRedisManager, entry: str, content: str, room: str) -> None:
    await asyncio.sleep(float(os.environ.get("WORK_SECONDS", "0")))  # ask a model, say
    reply = {
        "type": "agent_message",
        "data": {"agent_id": "answerer", "content": f"You said: {content}"},
        # Whoever died may have answered already: with a nonce it is published once all the same.
        "nonce": f"answer-{entry}",
    }
    await members.emit("agent_message", reply, namespace="/circles", room=room)


async def main() -> None:
    url = os.environ["REDIS_URL"]
    members = socketio.AsyncRedisManager(url, write_only=True)
    # While Redis is away, wait for it, and ask again.
    inbox = redis.Redis.from_url(
        url,
        decode_responses=True,
        protocol=2,
        retry=Retry(ExponentialBackoff(cap=1), retries=-1),
        retry_on_error=[redis.ConnectionError, redis.TimeoutError],
    )
    try:  # a new group begins with what is published from now on
        await inbox.xgroup_create(INBOX, GROUP, id="$", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):  # the group is there already
            raise
    print(f"{NAME} waits for messages", flush=True)
    left = "0-0"
    while True:
        left, entries, *_ = await inbox.xautoclaim(INBOX, GROUP, NAME, PATIENCE_MS, left, count=1)
        if not entries:
            new: Any = await inbox.xreadgroup(GROUP, NAME, {INBOX: ">"}, count=1, block=1_000)
            entries = new[0][1] if new else []
        for entry, message in entries:
            if entry is None:  # by Redis 6.2: it is gone from the inbox, and nobody can do it now
                continue
            if (message["namespace"], message["type"]) == ("/circles", "user_message"):
                content = json.loads(message["envelope"])["data"]["content"]
                print(f"{NAME} answers {content}", flush=True)
                await answer(members, entry, content, message["channel"])
            await inbox.xack(INBOX, GROUP, entry)  # from here on it is nobody else's to do


if __name__ == "__main__":
    asyncio.run(main())
