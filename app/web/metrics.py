"""The metrics at `/metrics`, for Prometheus."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from app.core.counters import Counters
from app.core.refused import Refusal, Refused
from app.core.sizes import Sizes
from app.hub.hub import Hub

Members = Callable[[], Mapping[str, int]]
IsLocal = Callable[[web.Request], bool]

#: The token that opens the metrics to everybody.
PUBLIC: Final = "public"
_SETTING: Final = "METRICS_TOKEN"


class HearthCollector(Collector):
    """A collector that reads the counters at each scrape.

    Args:
        members: returns the number of connections in each namespace.
    """

    def __init__(self, counters: Counters, hub: Hub, members: Members) -> None:
        self._counters = counters
        self._hub = hub
        self._members = members
        self._sizes = Sizes()

    async def measure(self) -> None:
        """Ask for what `collect` can't wait for."""
        self._sizes = await self._hub.sizes()

    def collect(self) -> Iterator[Metric]:
        counters = self._counters
        published = CounterMetricFamily(
            "hearth_published", "Messages published", labels=["namespace", "type"]
        )
        for labels, number in counters.published.items():
            published.add_metric(labels, number)
        yield published
        yield CounterMetricFamily(
            "hearth_delivered", "Messages handed to members", value=counters.delivered
        )
        for name, text, label, counter in (
            ("hearth_failed", "Requests answered with an error", "code", counters.failed),
            ("hearth_closed", "Connections that ended", "reason", counters.closed),
            ("hearth_returned", "Clients that came back", "outcome", counters.returned),
            ("hearth_refused", "Requests and connections refused", "reason", counters.refused),
            ("hearth_rejected", "Messages of workers not accepted", "source", counters.rejected),
            ("hearth_redis_lost", "Lost connections to Redis", "purpose", counters.redis_lost),
            ("hearth_unreadable", "What in Redis can't be read", "what", counters.unreadable),
        ):
            family = CounterMetricFamily(name, text, labels=[label])
            for key, number in counter.items():
                family.add_metric([key], number)
            yield family
        yield CounterMetricFamily(
            "hearth_emit_gaps",
            "Times for which no process received what workers emit",
            value=counters.emit_gaps,
        )
        held = GaugeMetricFamily("hearth_held_bytes", "Bytes held", labels=["what"])
        for what, read in counters.held.items():
            held.add_metric([what], read())
        yield held
        yield CounterMetricFamily(
            "hearth_inbox_lost",
            "Messages that left the inbox before all workers had read them",
            value=counters.inbox_lost,
        )
        for name, text, size in (
            (
                "hearth_history_bytes",
                "Messages in the history of all channels",
                self._sizes.history,
            ),
            ("hearth_inbox_bytes", "Messages in the inbox", self._sizes.inbox),
        ):
            if size is not None:
                yield GaugeMetricFamily(name, text, value=size)
        members = GaugeMetricFamily(
            "hearth_members", "Connections in a namespace", labels=["namespace"]
        )
        for namespace, number in self._members().items():
            members.add_metric([namespace], number)
        yield members
        yield GaugeMetricFamily(
            "hearth_ready", "1 while the server can serve", value=int(self._hub.ready)
        )


def add_metrics_route(
    app: web.Application,
    counters: Counters,
    hub: Hub,
    members: Members,
    token: str | None,
    is_local: IsLocal,
) -> None:
    """Serve `/metrics`: Hearth's metrics, the process's and its garbage collector's.

    Args:
        token: what is asked for; `PUBLIC`: nothing; None: to come from this machine.
        is_local: tells whether a request does.
    """
    registry = CollectorRegistry()
    collector = HearthCollector(counters, hub, members)
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
