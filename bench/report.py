"""From figures to a page: docs/benchmarks.md and its picture."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Final

from bench.scenarios import FAULTS, Figure, Result, Scenario
from bench.servers import LOAD_CPU, SERVER_CPU, Server

YARDSTICK: Final = "node-socketio"
_BUSY_SHARE: Final = 0.9
# From here on the load generator may be what is slow, and the server could do more.
_LOAD_BOUND_SHARE: Final = 0.85


@dataclass(frozen=True, slots=True)
class Measured:
    """A whole run.

    Args:
        medians: by the names of scenario and server; one that failed is missing.
    """

    servers: Sequence[Server]
    scenarios: Sequence[Scenario]
    medians: dict[tuple[str, str], Result]
    rounds: int
    seconds: float


def quantity(value: float, unit: str) -> str:
    """Return a number as people read it: `1.12 M/s`, `122 k/s`, `7.4 µs`, `6.4 s`."""
    if unit == " ms" and value >= 1000:
        return quantity(value / 1000, " s")
    if value >= 999_500:
        return f"{value / 1e6:.2f} M{unit}"
    if value >= 9_995:
        return f"{value / 1e3:.0f} k{unit}"
    if value >= 100:
        return f"{value:,.0f}{unit}"
    return f"{value:.1f}{unit}" if abs(value) >= 1 else f"{value:.2f}{unit}"


def table(measured: Measured) -> str:
    """Return the table, in Markdown: a row for each scenario, a column for each server."""
    rows = [["", *(server.title for server in measured.servers)]]
    rows += [
        [scenario.title, *(_cell(measured, scenario, server) for server in measured.servers)]
        for scenario in measured.scenarios
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )


def _cell(measured: Measured, scenario: Scenario, server: Server) -> str:
    if not scenario.suits(server):
        return "-"
    result = measured.medians.get((scenario.name, server.name))
    if result is None:
        return "failed"
    yardstick = measured.medians.get((scenario.name, YARDSTICK))
    texts = []
    for figure in scenario.figures:
        text = quantity(result[figure.key], figure.unit)
        if yardstick is not None and server.name != YARDSTICK:
            text += _ratio(result, yardstick, figure)
        texts.append(text)
    if _is_load_bound(result):
        texts.append("†")
    texts += [f"**{result[fault]:.0f} {fault}**" for fault in FAULTS if result[fault]]
    return ", ".join(texts)


def _is_load_bound(result: Result) -> bool:
    return result["load_cpu_share"] > _LOAD_BOUND_SHARE


def _ratio(result: Result, yardstick: Result, figure: Figure) -> str:
    if figure.more_is_better is None or yardstick[figure.key] <= 0:
        return ""
    return f" ({result[figure.key] / yardstick[figure.key]:.2f}x)"


def page(measured: Measured) -> str:
    """Return docs/benchmarks.md."""
    return f"""\
# Benchmarks

<!-- Written by `make bench`; bench/README.md says what each scenario is. -->

![Deliveries per second](benchmarks.svg)

{table(measured)}

{_reading(measured)}

## How it was measured

{_machine()} One server at a time on CPU {SERVER_CPU}, the load generator
([`bench/load`](../bench/load)) on CPU {LOAD_CPU}. Messages of 200 bytes; every
member's sequence of messages is checked. Each server process is fresh; each figure is the median of
{measured.rounds} interleaved rounds of {measured.seconds:g} seconds after a warm-up.

Hearth runs as a user runs it, with validation, offsets, history in memory and metrics, and every
connection with a token of its own; only the limit of messages per second is off. The others are
the programs in [`bench/peers`](../bench/peers): they stamp a message and pass it on, no more.
*Plain* means JSON over WebSocket without Socket.IO.

Where there are two processes, the members of each room are spread over both, and they share a
Redis: Hearth as anybody's with `REDIS_URL` does, with order, history and presence in it, Node by
`@socket.io/redis-adapter`, python-socketio by `AsyncRedisManager`. Both processes and Redis are on
CPU {SERVER_CPU}; `µs` is the CPU of both processes, and Redis's is beside it.

## Do it yourself

```console
$ make bench          # half an hour; sets itself up
$ make bench-quick    # a few minutes, fewer servers
$ make bench ARGS='--only fanout-1000 --servers hearth,node-socketio'
$ make profile        # where the time goes, as a flame graph
```
"""


def _reading(measured: Measured) -> str:
    text = (
        "`/s`: deliveries, acks or connections per second; `µs`: the server's CPU for each; "
        "`(2.00x)`: twice Node socket.io's figure; `-`: it is not made for several processes."
    )
    results = measured.medians.values()
    shares = [result["load_cpu_share"] for result in results if not _is_load_bound(result)]
    text += f" The load generator used at most {max(shares, default=0):.0%} of its CPU"
    if len(shares) < len(results):
        text += "; where a † stands it used more, and the server may be faster than that"
    text += "."
    if busy := [
        (result["server_cpu_seconds"] + result["redis_cpu_seconds"]) / result["seconds"]
        for scenario in measured.scenarios
        if scenario.saturates
        for server in measured.servers
        if (result := measured.medians.get((scenario.name, server.name))) is not None
    ]:
        text += f" Servers under full load got {min(busy):.0%} to {max(busy):.0%} of theirs"
        if min(busy) < _BUSY_SHARE:
            text += ": the machine did other things too, and only the µs can be compared"
        text += "."
    return text


def _machine() -> str:
    model = "an unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {model}, Linux {platform.release()}, "
        f"Python {platform.python_version()}, Node {_node_version()}."
    )


def _node_version() -> str:
    try:
        done = subprocess.run(("node", "--version"), capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "none"
    return done.stdout.strip().removeprefix("v")


# The picture: horizontal bars, a group for each scenario of deliveries.

_WIDTH: Final = 760
_BAR_LEFT: Final = 230
_BAR_RIGHT: Final = 660
_BAR_HEIGHT: Final = 16
_LINE: Final = 22
_GROUP_GAP: Final = 46
_STYLE: Final = """
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; }
    .bar { fill: #8c959f; }
    .hearth { fill: #cf4a1f; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .bar { fill: #6e7681; }
      .hearth { fill: #ff7b4f; }
    }
"""


def picture(measured: Measured) -> str:
    """Return an SVG of deliveries per second, one scale for all; readable on light and dark."""
    key = "deliveries_per_second"
    groups = [scenario for scenario in measured.scenarios if scenario.figures[0].key == key]
    values = [result[key] for result in measured.medians.values() if key in result]
    scale = (_BAR_RIGHT - _BAR_LEFT) / max(values, default=1)
    parts: list[str] = []
    y = 8
    for scenario in groups:
        y += _LINE
        parts.append(f'<text class="title" x="8" y="{y}">{escape(scenario.title)}</text>')
        for server in filter(scenario.suits, measured.servers):
            y += _LINE
            result = measured.medians.get((scenario.name, server.name))
            parts.append(_bar(server, None if result is None else result[key], scale, y))
        y += _GROUP_GAP - _LINE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" role="img" '
        f'aria-label="Deliveries per second">\n  <style>{_STYLE}  </style>\n  '
        + "\n  ".join(parts)
        + "\n</svg>\n"
    )


def _bar(server: Server, value: float | None, scale: float, baseline: int) -> str:
    kind = "bar hearth" if server.name == "hearth" else "bar"
    width = (value or 0) * scale
    label = "failed" if value is None else quantity(value, "/s")
    return (
        f'<text x="{_BAR_LEFT - 8}" y="{baseline}" text-anchor="end">{escape(server.title)}</text>'
        f'<rect class="{kind}" x="{_BAR_LEFT}" y="{baseline - _BAR_HEIGHT + 3}" '
        f'width="{width:.1f}" height="{_BAR_HEIGHT}" rx="2"/>'
        f'<text x="{_BAR_LEFT + width + 6:.1f}" y="{baseline}">{label}</text>'
    )
