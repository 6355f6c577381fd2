"""FastAPI as tutorials have it: a list of connections for each room, and a loop of sends."""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
rooms: defaultdict[str, list[WebSocket]] = defaultdict(list)


async def publish(channel: str, data: dict[str, Any]) -> None:
    message = {
        "type": "user_message",
        "channel": channel,
        "data": data,
        "timestamp": datetime.now(UTC).isoformat(),
    }
    for member in list(rooms[channel]):
        await member.send_json(message)


@app.websocket("/ws")
async def serve(websocket: WebSocket) -> None:
    await websocket.accept()
    joined: list[str] = []
    try:
        while True:
            request = await websocket.receive_json()
            channel = request["channel"]
            if request["type"] == "join":
                rooms[channel].append(websocket)
                joined.append(channel)
            else:
                await publish(channel, request["data"])
            if "id" in request:
                await websocket.send_json({"type": "ack", "id": request["id"], "ok": True})
    except WebSocketDisconnect:
        for channel in joined:
            rooms[channel].remove(websocket)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
