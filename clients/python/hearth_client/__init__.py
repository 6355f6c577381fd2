"""Agents in Python on Hearth.

    async with hearth_client.connect(url, token=token) as hearth:
        circle = await hearth.circle("dev-team")
        async for message in circle:
            await circle.publish("agent_message", {"agent_id": 7, "content": "Hello"})

Channels hand over their messages in order and each exactly once, also across lost connections;
what is published is published once. Each file holds one of the steps on the way there:

    messages    what is handed over and answered
    errors      what is raised
    tokens      where the token comes from, and when it ends
    connection  one Socket.IO connection, until it is lost
    link        connections to one namespace, one after the other; requests that survive their loss
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
