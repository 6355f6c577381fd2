"""The metrics at `/metrics`, for Prometheus."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from app.core.refused import Refusal, Refused
from app.web.collector import HearthCollector, Measured

IsLocal = Callable[[web.Request], bool]

#: The token that opens the metrics to everybody.
PUBLIC: Final = "public"
_SETTING: Final = "METRICS_TOKEN"


def add_metrics_route(
    app: web.Application, measured: Measured, token: str | None, is_local: IsLocal
) -> None:
    """Serve `/metrics`: Hearth's metrics, the process's and its garbage collector's.

    Args:
        token: what is asked for; `PUBLIC`: nothing; None: to come from this machine.
        is_local: tells whether a request does.
    """
    registry = CollectorRegistry()
    collector = HearthCollector(measured)
    registry.register(collector)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)

    async def metrics(request: web.Request) -> web.Response:
        if token is None:
            if not is_local(request):
                raise Refusal(Refused.METRICS)
        elif token != PUBLIC:
            _require(token, request.headers.get(hdrs.AUTHORIZATION, ""))
        await collector.measure()
        return web.Response(
            body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    app.router.add_get("/metrics", metrics)


def _require(token: str, authorization: str) -> None:
    """Raise `Refusal` if a header doesn't bring the token. How long that takes tells nothing."""
    scheme, _, brought = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal(Refused.NO_TOKEN, "The metrics need a token.", admitted_by=_SETTING)
    if not hmac.compare_digest(brought.strip().encode("utf-8", "replace"), token.encode()):
        raise Refusal(Refused.TOKEN, admitted_by=_SETTING)
