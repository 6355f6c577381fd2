"""The collector of Hearth's metrics, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.core.counters import Counters
from app.core.sizes import Sizes
from app.hub.hub import Hub


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What is measured.

    Args:
        members: returns the number of connections in each namespace.
        dropped_lines: returns the number of lines of the log that weren't written.
        loop_lag: returns how late timers were lately, at most, in seconds.
        held: returns how many bytes are held for clients, by what holds them.
    """

    counters: Counters
    hub: Hub
    members: Callable[[], Mapping[str, int]]
    dropped_lines: Callable[[], int]
    loop_lag: Callable[[], float]
    held: Callable[[], Mapping[str, int]]


class HearthCollector(Collector):
    """A collector that reads what is measured at each scrape."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured
        self._sizes = Sizes()

    async def measure(self) -> None:
        """Ask for what `collect` can't wait for."""
        self._sizes = await self._measured.hub.sizes()

    def collect(self) -> Iterator[Metric]:
        yield from self._counts()
        yield from self._levels()

    def _counts(self) -> Iterator[Metric]:
        counters = self._measured.counters
        published = CounterMetricFamily(
            "hearth_published", "Messages published", labels=["namespace", "type"]
        )
        for labels, number in counters.published.items():
            published.add_metric(labels, number)
        yield published
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
        for name, text, value in (
            ("hearth_delivered", "Messages handed to members", counters.delivered),
            (
                "hearth_inbox_lost",
                "Messages that left the inbox before all workers had read them",
                counters.inbox_lost,
            ),
            (
                "hearth_emit_gaps",
                "Times for which no process received what workers emit",
                counters.emit_gaps,
            ),
            ("hearth_log_dropped", "Lines of the log not written", self._measured.dropped_lines()),
        ):
            yield CounterMetricFamily(name, text, value=value)

    def _levels(self) -> Iterator[Metric]:
        measured = self._measured
        held = dict(measured.held()) | {
            what: size() for what, size in measured.counters.held.items()
        }
        for name, text, label, levels in (
            ("hearth_members", "Connections in a namespace", "namespace", measured.members()),
            ("hearth_held_bytes", "What is held for clients", "what", held),
        ):
            family = GaugeMetricFamily(name, text, labels=[label])
            for key, number in levels.items():
                family.add_metric([key], number)
            yield family
        for name, text, value in (
            (
                "hearth_history_bytes",
                "Messages in the history of all channels",
                self._sizes.history,
            ),
            ("hearth_inbox_bytes", "Messages in the inbox", self._sizes.inbox),
            ("hearth_loop_lag_seconds", "How late timers were, at most", measured.loop_lag()),
            ("hearth_ready", "1 while the server can serve", int(measured.hub.ready)),
        ):
            if value is not None:
                yield GaugeMetricFamily(name, text, value=value)
