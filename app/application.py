"""The application, wired from its parts; read it as a table of contents."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import chain

from aiohttp import web

from app.app_keys import GATE, HUB, PLAIN, SERVER, SETTINGS
from app.auth import Authenticator
from app.broker.memory import MemoryBroker
from app.broker.memory_announcements import MemoryAnnouncements
from app.broker.memory_presence import MemoryPresence, MemoryStatusQueue
from app.broker.memory_sessions import MemorySessions
from app.core.counters import Counters
from app.core.history import MOST_ANSWER_BYTES, HistoryOptions
from app.core.proxies import TrustedProxies
from app.hub.fanout import FanOut
from app.hub.hub import Hub
from app.hub.memberships import Memberships
from app.hub.quotas import QuotaOptions, Quotas
from app.hub.roster import Roster
from app.hub.sessions import Sessions
from app.logs import Logs
from app.origins import AllowedOrigins
from app.plain.routes import add_plain_routes
from app.plain.server import PlainOptions, PlainServer
from app.realtime.manager import Manager
from app.realtime.server import Server, ServerOptions
from app.redis_wiring import RedisBackend, RedisWorkers
from app.settings import Settings
from app.transport.freed_memory import FreedMemory
from app.transport.gate import Gate
from app.transport.held import HeldBytes, share_of_memory
from app.transport.loop_lag import LoopLag
from app.transport.refusals import Refusals
from app.web.collector import Measured
from app.web.console import add_console_routes
from app.web.directory import add_directory_route
from app.web.health import add_health_routes
from app.web.metrics import add_metrics_route
from app.workers.emits import EmitPublisher
from namespaces import NAMESPACES
from namespaces.rooms import NamespaceRooms
from schemas.catalogue import standard_registry


def create_app(
    settings: Settings, clock: Callable[[], float] = time.time, logs: Logs | None = None
) -> web.Application:
    """Return the application, ready to be run.

    Args:
        clock: seconds since 1970.
        logs: for metrics.
    """
    app = web.Application()
    app[SETTINGS] = settings
    counters = Counters()
    registry = standard_registry(open_types=settings.open_types)

    # Who is let in
    refusals = Refusals(counters)
    allowed = AllowedOrigins(settings.allowed_origins)
    proxies = TrustedProxies(settings.trusted_proxies)
    gate = app[GATE] = Gate(allowed, refusals, proxies=proxies, local=settings.local)
    gate.add_to(app)

    # Order, history, presence and sessions: in Redis if there is one, else in memory
    history = HistoryOptions(
        settings.history_size,
        settings.history_seconds,
        settings.recovery_seconds,
        settings.history_bytes,
    )
    url = settings.redis_url
    redis = RedisBackend(url, settings, history, counters, clock) if url else None
    memory = MemoryBroker(history, clock)
    broker = redis.broker if redis else memory
    presence = redis.presence if redis else MemoryPresence(clock)
    statuses = redis.statuses if redis else MemoryStatusQueue()
    announcements = redis.announcements if redis else MemoryAnnouncements()
    sessions = Sessions(redis.sessions if redis else MemorySessions(), settings.recovery_seconds)

    # Messages, and who receives them
    answer_bytes = min(MOST_ANSWER_BYTES, settings.max_unsent_bytes)
    memberships = Memberships(
        broker,
        presence,
        FanOut(counters),
        registry,
        sessions,
        answer_bytes,
        clock,
        settings.channels_per_connection,
    )
    quotas = Quotas(_quota_options(settings), redis.tallies if redis else None, clock)
    inbox = redis.inbox if redis else None
    hub = app[HUB] = Hub(
        broker,
        presence,
        memberships,
        registry,
        clock,
        counters,
        answer_bytes,
        refusals,
        inbox,
        quotas,
    )
    roster = Roster(hub, statuses, announcements)

    # Ways in: Socket.IO, workers, plain WebSockets
    channels = NamespaceRooms(hub, [namespace.path for namespace in NAMESPACES])
    workers = RedisWorkers(redis, settings, hub, channels) if redis else None
    manager = workers.manager if workers else Manager(channels)
    server = app[SERVER] = Server(
        manager,
        ServerOptions(
            settings.max_message_bytes, settings.max_unsent_bytes, settings.messages_per_second
        ),
        EmitPublisher(hub),
        counters,
        clock,
        refusals,
        quotas,
        ping_interval=settings.ping_seconds,
        ping_timeout=settings.ping_timeout_seconds,
    )
    paths = [namespace.path for namespace in NAMESPACES]
    authenticator = Authenticator(settings, clock, paths)
    limits = _limits(settings)
    for namespace in NAMESPACES:
        server.register_namespace(namespace(hub, authenticator, limits))
    plain = app[PLAIN] = PlainServer(
        hub,
        authenticator,
        manager.generate_sid,
        limits,
        PlainOptions(
            settings.max_message_bytes,
            settings.max_unsent_bytes,
            settings.messages_per_second,
            settings.ping_timeout_seconds,
        ),
        clock,
    )

    # What all of them hold
    held = HeldBytes(
        share_of_memory() if settings.max_held_bytes is None else settings.max_held_bytes,
        lambda: chain(server.eio.sockets.values(), plain.clients),
        {} if redis else {"history": memory},
    )
    loop_lag = LoopLag()
    freed_memory = FreedMemory.of_process()

    # HTTP
    server.attach(app)
    add_plain_routes(app, plain)
    add_health_routes(app, hub)
    measured = Measured(
        counters=counters,
        hub=hub,
        members=partial(_count_members, plain, manager),
        dropped_lines=lambda: logs.dropped if logs else 0,
        loop_lag=lambda: loop_lag.seconds,
        held=held.sizes,
    )
    add_metrics_route(app, measured, settings.metrics_token, gate.comes_from_here)
    if settings.console:
        strangers = bool(settings.anonymous_grants)
        add_directory_route(app, hub, authenticator.identify, paths)
        add_console_routes(app, development=settings.development, strangers=strangers)

    # Start and stop
    async def lifetime(_app: web.Application) -> AsyncIterator[None]:
        if redis and workers:
            await redis.start()
            await workers.start()
        await memberships.start(roster)
        quotas.start()
        sessions.start()
        roster.start()
        held.start()
        loop_lag.start()
        freed_memory.start()
        yield
        await freed_memory.close()
        loop_lag.stop()
        await held.close()
        await sessions.close()
        await roster.close()
        await quotas.close()
        if workers:
            await workers.close()
        await memberships.close()
        refusals.close()
        if redis:
            await redis.close()

    async def close_connections(_app: web.Application) -> None:
        await plain.close_all()
        await server.close_all()

    app.cleanup_ctx.append(lifetime)
    app.on_shutdown.append(close_connections)
    return app


def _count_members(plain: PlainServer, manager: Manager) -> Counter[str]:
    members = Counter({namespace.path: 0 for namespace in NAMESPACES})
    members.update(plain.count_members())
    members.update(manager.count_clients())
    return members


def _quota_options(settings: Settings) -> QuotaOptions:
    open_to_all = settings.development  # everybody is somebody else's identity, or has none
    return QuotaOptions(
        0 if open_to_all else settings.connections_per_identity,
        settings.connections_per_address,
        0 if open_to_all else settings.messages_per_second_per_identity,
        settings.messages_per_second,
        settings.agent_messages_per_second,
    )


def _limits(settings: Settings) -> dict[str, float]:
    return {
        "max_message_bytes": settings.max_message_bytes,
        "channels_per_connection": settings.channels_per_connection,
        "history_size": settings.history_size,
        "history_seconds": settings.history_seconds,
    }
