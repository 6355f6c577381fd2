"""The Hearth library for agents in Python.

    async with hearth_realtime.connect(url, token=token) as hearth:
        circle = await hearth.circle("dev-team")
        async for message in circle:
            await circle.publish("agent_message", {"content": "Hello"})

Channels deliver their messages in order and exactly once, also across lost connections, and a
message is published once however often it is sent. The modules, from the bottom up:

    messages    messages, receipts, pages of history, presence
    payloads    the payload of each type, and the messages of each namespace
    errors      exceptions
    address     where a server is
    tokens      the source of tokens, and their expiry
    pace        no more requests than the server takes
    wire        a WebSocket, as long as bytes pass
    connection  one Socket.IO connection, until it is lost
    link        successive connections to one namespace; requests that survive their loss
    inbox       one channel's messages in order: what is new, what is missing (no I/O)
    roster      who is in a channel (no I/O)
    publishing  a message that is sent until it is acknowledged
    channel     a channel as programs use it
    client      `connect`
"""

from hearth_realtime.channel import Channel, State
from hearth_realtime.client import Hearth, connect
from hearth_realtime.errors import HearthError
from hearth_realtime.messages import (
    DISCONTINUITY,
    Member,
    Message,
    Page,
    Position,
    Presence,
    Receipt,
    Sender,
)

__all__ = [
    "DISCONTINUITY",
    "Channel",
    "Hearth",
    "HearthError",
    "Member",
    "Message",
    "Page",
    "Position",
    "Presence",
    "Receipt",
    "Sender",
    "State",
    "connect",
]
