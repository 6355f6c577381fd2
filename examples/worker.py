"""A worker: a process that holds nothing but the Redis URL, and reaches every member.

Run it beside a server that has the same `REDIS_URL`.
"""

import asyncio
import os

import socketio


async def main() -> None:
    redis = socketio.AsyncRedisManager(os.environ["REDIS_URL"], write_only=True)
    hello = {"agent_id": 7, "content": "Hello from a worker"}
    await redis.emit("agent_message", hello, namespace="/circles", room="dev-team")
    change = {"path": "src/main.py", "agent_id": 7, "size_bytes": 2048}
    await redis.emit("file_changed", change, namespace="/workspaces", room="website")
    notice = {"id": "build-9", "title": "Build finished", "message": "All tests passed"}
    await redis.emit("notification", notice, namespace="/notifications", room="user:alice")
    print("emitted three messages")


if __name__ == "__main__":
    asyncio.run(main())
