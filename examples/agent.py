"""An agent that joins a circle and answers what people say there.

    TOKEN=$(make -s token ID=agent-7 KIND=agent GRANTS='circles:*:rw') python examples/agent.py

After a lost connection it joins again with the place of the last message it saw, and so answers
what was said meanwhile too, each message once.
"""

import asyncio
import os
from typing import Any

import socketio

CIRCLE = os.environ.get("CIRCLE", "dev-team")
sio = socketio.AsyncClient()
seen: dict[str, Any] | None = None  # {"offset": …, "epoch": …} of the last message


async def answer(message: dict[str, Any]) -> None:
    content = message["data"]["content"]
    print(f"{message['sender']['id']}: {content}", flush=True)
    reply = {"agent_id": "agent-7", "content": f"You said: {content}"}
    # The nonce makes it safe to send this again: the server publishes it once.
    request = {"channel": CIRCLE, "data": reply, "nonce": f"answer-{message['offset']}"}
    result = await sio.call("agent_message", request, namespace="/circles")
    if not result["ok"]:
        print(f"not published: {result['error']}", flush=True)


@sio.on("connect", namespace="/circles")  # type: ignore[untyped-decorator]
async def join() -> None:
    global seen  # noqa: PLW0603
    joined = await sio.call("join", {"channel": CIRCLE, "since": seen}, namespace="/circles")
    if not joined["ok"]:
        print(f"not joined: {joined['error']}", flush=True)
        return
    seen = {"offset": joined["offset"], "epoch": joined["epoch"]}
    print(f"joined {CIRCLE}, {joined['presence']['count']} here", flush=True)
    if joined["recovered"]:
        for message in joined["messages"]:
            if message["type"] == "user_message":
                await answer(message)


@sio.on("*", namespace="/circles")  # type: ignore[untyped-decorator]
async def receive(event: str, message: dict[str, Any]) -> None:
    if seen is not None and "offset" in message:
        seen["offset"] = message["offset"]
    if event == "user_message":
        await answer(message)
    elif event == "error":
        print(f"error: {message['error']}", flush=True)


async def main() -> None:
    url = os.environ.get("HEARTH_URL", "http://localhost:8000")
    await sio.connect(
        url, auth={"token": os.environ.get("TOKEN", "")}, namespaces=["/circles"], retry=True
    )
    await sio.wait()


if __name__ == "__main__":
    asyncio.run(main())
