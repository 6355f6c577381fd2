"""The health of the process: whether it is alive, and whether it is ready to serve."""

from __future__ import annotations

from aiohttp import web

from app.hub.hub import Hub


def add_health_routes(app: web.Application, hub: Hub) -> None:
    """Serve `/healthz`, always 200, and `/readyz`, 503 while the broker can't be reached."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_request: web.Request) -> web.Response:
        if hub.ready:
            return web.json_response({"status": "ready"})
        return web.json_response(
            {"status": "unavailable", "reason": "the broker can't be reached"}, status=503
        )

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
