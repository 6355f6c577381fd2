"""Keys of the objects that handlers find in the aiohttp application."""

from __future__ import annotations

from aiohttp import web

from app.hub.hub import Hub
from app.plain.server import PlainServer
from app.realtime.server import Server
from app.settings import Settings
from app.transport.gate import Gate

SETTINGS = web.AppKey("settings", Settings)
HUB = web.AppKey("hub", Hub)
SERVER = web.AppKey("server", Server)
GATE = web.AppKey("gate", Gate)
PLAIN = web.AppKey("plain", PlainServer)
