"""The Hearth library for agents in Python.

    async with hearth_client.connect(url, token=token) as hearth:
        circle = await hearth.circle("dev-team")
        async for message in circle:
            await circle.publish("agent_message", {"content": "Hello"})

Channels deliver their messages in order and exactly once, also across lost connections, and a
message is published once however often it is sent. The modules, from the bottom up:

    messages    messages, receipts, pages of history, presence
    errors      exceptions
    tokens      the source of tokens, and their expiry
    connection  one Socket.IO connection, until it is lost
    link        successive connections to one namespace; requests that survive their loss
    inbox       one channel's messages in order: what is new, what is missing (no I/O)
    channel     a channel as programs use it
    client      `connect`
"""

from hearth_client.channel import Channel, State
from hearth_client.client import Hearth, connect
from hearth_client.errors import HearthError
from hearth_client.messages import DISCONTINUITY, Member, Message, Page, Position, Presence, Receipt

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
    "State",
    "connect",
]
