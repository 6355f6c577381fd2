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
NAMESPACE = "/circles"
sio = socketio.AsyncClient()
seen: dict[str, Any] | None = None  # {"offset": …, "epoch": …} of the last message


async def answer(message: dict[str, Any]) -> None:
    content = message["data"]["content"]
    sender = message.get("sender", {"id": "somebody"})  # workers need not say who speaks
    print(f"{sender['id']}: {content}", flush=True)
    reply = {"agent_id": "agent-7", "content": f"You said: {content}"}
    # The nonce makes it safe to send this again: the server publishes it once.
    request = {"channel": CIRCLE, "data": reply, "nonce": f"answer-{message['offset']}"}
    result = await sio.call("agent_message", request, namespace=NAMESPACE)
    if not result["ok"]:
        print(f"not published: {result['error']}", flush=True)


@sio.on("connect", namespace=NAMESPACE)  # type: ignore[untyped-decorator]
async def join() -> None:
    global seen  # noqa: PLW0603
    before = seen
    joined = await sio.call("join", {"channel": CIRCLE, "since": before}, namespace=NAMESPACE)
    if not joined["ok"]:
        print(f"not joined: {joined['error']}", flush=True)
        return
    seen = {"offset": joined["offset"], "epoch": joined["epoch"]}
    print(f"joined {CIRCLE}, {joined['presence']['count']} here", flush=True)
    if before is not None and not joined["recovered"]:
        print("some messages are lost; these are the newest", flush=True)
    for message in joined["messages"]:
        if message["type"] == "user_message":
            await answer(message)


@sio.on("*", namespace=NAMESPACE)  # type: ignore[untyped-decorator]
async def receive(event: str, message: Any) -> None:
    if not isinstance(message, dict):
        return  # bytes that somebody emitted: not for us
    if seen is not None and "offset" in message:
        seen["offset"] = message["offset"]
    if event == "user_message":
        await answer(message)
    elif event == "error":
        print(f"error: {message['error']}", flush=True)


@sio.on("connect_error", namespace=NAMESPACE)  # type: ignore[untyped-decorator]
async def refused(error: Any) -> None:
    print(f"not connected: {error}", flush=True)


async def main() -> None:
    url = os.environ.get("HEARTH_URL", "http://localhost:8000")
    print(f"connecting to {url}", flush=True)
    try:
        await sio.connect(
            url, auth={"token": os.environ.get("TOKEN", "")}, namespaces=[NAMESPACE], retry=True
        )
    except socketio.exceptions.ConnectionError as error:
        raise SystemExit(f"gave up: {error}") from None
    try:
        await sio.wait()
    finally:
        await sio.disconnect()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("bye")
