"""Where the parts are wired; read it from top to bottom as a table of contents."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from functools import partial

from aiohttp import web
from aiohttp.typedefs import Middleware

from app.app_keys import HUB, PLAIN, SERVER, SETTINGS
from app.auth import Authenticator
from app.broker.memory import MemoryBroker
from app.broker.memory_presence import MemoryPresence, MemoryStatusQueue
from app.broker.memory_sessions import MemorySessions
from app.core.history import HistoryOptions
from app.hub.fanout import EveryFanOut
from app.hub.hub import Hub
from app.hub.memberships import Memberships
from app.hub.roster import Roster
from app.hub.sessions import Sessions
from app.plain.fanout import PlainFanOut
from app.plain.routes import add_plain_routes
from app.plain.server import PlainServer
from app.realtime.fanout import RoomFanOut
from app.realtime.manager import Rooms
from app.realtime.server import Server
from app.redis_wiring import RedisBackend
from app.settings import Settings, is_loopback
from app.web.console import add_console_routes
from app.web.health import add_health_routes
from app.web.hosts import loopback_hosts_only
from app.web.metrics import add_metrics_route
from app.workers.emits import EmitPublisher
from namespaces import NAMESPACES
from namespaces.rooms import NamespaceRooms
from schemas.catalogue import standard_registry


def create_app(settings: Settings, clock: Callable[[], float] = time.time) -> web.Application:
    """Return the whole application, ready to be run.

    Args:
        clock: seconds since 1970; tests bring their own.
    """
    app = web.Application(middlewares=_middlewares(settings))
    app[SETTINGS] = settings

    # Redis, if there is one; and rooms
    history = HistoryOptions(
        settings.history_size, settings.history_seconds, settings.recovery_seconds
    )
    redis = (
        RedisBackend(settings.redis_url, settings, history, clock) if settings.redis_url else None
    )
    rooms = redis.manager if redis else Rooms()
    server = app[SERVER] = Server(
        rooms,
        settings.max_message_bytes,
        settings.max_unsent_bytes,
        settings.messages_per_second,
        clock,
        ping_interval=settings.ping_seconds,
        ping_timeout=settings.ping_timeout_seconds,
        cors_allowed_origins=_allowed_origins(settings),
    )

    # Messages: broker, hub, members
    broker = redis.broker if redis else MemoryBroker(history, clock)
    presence = redis.presence if redis else MemoryPresence(clock)
    statuses = redis.statuses if redis else MemoryStatusQueue()
    sessions = Sessions(redis.sessions if redis else MemorySessions(), settings.recovery_seconds)
    plain_members = PlainFanOut(rooms.counters)
    fanout = EveryFanOut(RoomFanOut(rooms), plain_members)
    registry = standard_registry()
    memberships = Memberships(broker, presence, fanout, registry, sessions)
    hub = app[HUB] = Hub(broker, presence, memberships, registry, clock, rooms.counters)
    roster = Roster(hub, statuses)

    # Ways in: clients by Socket.IO and by plain WebSockets, workers by Redis
    authenticator = Authenticator(settings, clock)
    namespaces = [make(hub, authenticator, _limits(settings)) for make in NAMESPACES]
    for namespace in namespaces:
        server.register_namespace(namespace)
    plain = app[PLAIN] = PlainServer(
        hub,
        plain_members,
        authenticator,
        _limits(settings),
        settings.max_message_bytes,
        settings.messages_per_second,
        settings.ping_timeout_seconds,
        clock,
    )
    rooms.channels = NamespaceRooms(hub, namespaces)
    server.publish = EmitPublisher(hub).publish

    # HTTP
    server.attach(app)
    add_plain_routes(app, plain, server.eio, settings.max_message_bytes, settings.max_unsent_bytes)
    add_health_routes(app, hub)
    add_metrics_route(
        *(app, rooms.counters, hub),
        partial(_count_members, plain, rooms),
    )
    add_console_routes(app)

    # What lives as long as the application
    async def lifetime(_app: web.Application) -> AsyncIterator[None]:
        if redis:
            await redis.start(hub)
        await memberships.start(roster)
        sessions.start(server.let_go)
        roster.start()
        yield
        await sessions.close()
        await roster.close()
        if redis:
            await redis.stop_workers()
        await memberships.close()
        if redis:
            await redis.close()

    async def send_members_away(_app: web.Application) -> None:
        await plain.close_all()
        await server.close_all()

    app.cleanup_ctx.append(lifetime)
    app.on_shutdown.append(send_members_away)
    return app


def _count_members(plain: PlainServer, rooms: Rooms) -> Counter[str]:
    members = Counter({namespace.path: 0 for namespace in NAMESPACES})
    members.update(plain.count_members())
    members.update(rooms.count_clients())
    return members


def _middlewares(settings: Settings) -> list[Middleware]:
    if settings.development and is_loopback(settings.host):
        return [loopback_hosts_only]
    return []


def _allowed_origins(settings: Settings) -> list[str] | str | None:
    # None is python-socketio's word for "the same origin".
    if "*" in settings.allowed_origins:
        return "*"
    return list(settings.allowed_origins) or None


def _limits(settings: Settings) -> dict[str, float]:
    return {
        "max_message_bytes": settings.max_message_bytes,
        "messages_per_second": settings.messages_per_second,
        "history_size": settings.history_size,
        "history_seconds": settings.history_seconds,
    }
