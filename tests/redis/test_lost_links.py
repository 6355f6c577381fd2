"""What is sent between the loss of a connection and its being noticed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvloop

from app.core.errors import Unavailable
from app.redis.commands import Commands
from app.redis.connector import Connector
from tests.support.ready import until
from tests.support.redis import RedisServer


async def send_on_a_lost_link(url: str) -> None:
    commands = Commands(Connector(url, ""))
    await commands.start()
    await until(lambda: commands.ready)
    link = commands.link
    assert link is not None
    sent: list[asyncio.Future[Any]] = []
    link._transport.abort()
    # Runs once it is closed, and before its owner has noticed that.
    asyncio.get_running_loop().call_soon(lambda: sent.append(commands.send("PING")))
    await until(lambda: bool(sent))
    with pytest.raises(Unavailable):
        await sent[0]
    await until(lambda: commands.ready)
    assert await commands.send("PING") == b"PONG"
    await commands.close()


@pytest.mark.parametrize("new_event_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_command_on_a_lost_connection_is_unavailable(
    new_event_loop: Any, redis_server: RedisServer
) -> None:
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(send_on_a_lost_link(redis_server.url))
