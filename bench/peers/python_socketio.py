"""Stock python-socketio on aiohttp with its defaults; with `--uvloop` on uvloop's event loop.

With REDIS_URL it is one of several processes.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Any

import socketio
import uvloop
from aiohttp import web

NAMESPACE = "/circles"

redis_url = os.environ.get("REDIS_URL")
manager = socketio.AsyncRedisManager(redis_url) if redis_url else None
sio = socketio.AsyncServer(async_mode="aiohttp", client_manager=manager)


@sio.on("join", namespace=NAMESPACE)
async def join(sid: str, request: dict[str, Any]) -> dict[str, Any]:
    await sio.enter_room(sid, request["channel"], namespace=NAMESPACE)
    return {"ok": True}


@sio.on("user_message", namespace=NAMESPACE)
async def user_message(sid: str, request: dict[str, Any]) -> dict[str, Any]:
    channel = request["channel"]
    message = {
        "type": "user_message",
        "channel": channel,
        "data": request["data"],
        "timestamp": datetime.now(UTC).isoformat(),
    }
    await sio.emit("user_message", message, room=channel, namespace=NAMESPACE)
    return {"ok": True}


if __name__ == "__main__":
    app = web.Application()
    sio.attach(app)
    loop = uvloop.new_event_loop() if "--uvloop" in sys.argv else None
    port = int(os.environ["PORT"])
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=loop)
