"""uWebSockets by way of socketify: a room is a topic, and C++ hands a message to its members."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import orjson
from socketify import App, AppListenOptions, OpCode, WebSocket

app = App(lifespan=False)


def publish(channel: str, data: object) -> None:
    timestamp = datetime.now(UTC).isoformat()
    message = {"type": "user_message", "channel": channel, "data": data, "timestamp": timestamp}
    app.publish(channel, orjson.dumps(message), OpCode.TEXT)


def on_message(websocket: WebSocket, text: str, _opcode: OpCode) -> None:
    request = orjson.loads(text)
    channel = request["channel"]
    if request["type"] == "join":
        websocket.subscribe(channel)
    else:
        publish(channel, request["data"])
    if "id" in request:
        websocket.send(orjson.dumps({"type": "ack", "id": request["id"], "ok": True}), OpCode.TEXT)


if __name__ == "__main__":
    app.ws("/ws", {"message": on_message})
    app.listen(AppListenOptions(port=int(os.environ["PORT"]), host="127.0.0.1"))
    app.run()
