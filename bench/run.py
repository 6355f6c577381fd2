"""Run every scenario on every server, and report: `make bench`.

In each round each scenario runs on each server once, one right after the other, so that whatever
else the machine does meets all of them alike. What is reported is the median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from bench import report
from bench.scenarios import FAULTS, SCENARIOS, Result, RunError, Scenario, run
from bench.servers import BUILD, LOAD_CPU, ROOT, SERVER_CPU, SERVERS, Server, running, source_digest

_QUICK_SERVERS: Final = "hearth,node-socketio,python-socketio"
_QUICK_CONNECTIONS: Final = 2000
_OPEN_FILES: Final = 20_000

Results = dict[tuple[str, str], list[Result]]
Named = TypeVar("Named", Server, Scenario)


def main() -> None:
    """Measure what the arguments say; end with status 1 when Hearth lost or doubled anything."""
    arguments = _arguments()
    if not {SERVER_CPU, LOAD_CPU} <= os.sched_getaffinity(0):
        sys.exit("Two CPUs are needed: one for the server, one for the load.")
    allow_open_files()
    servers = _chosen(SERVERS, arguments.servers)
    scenarios = _chosen(SCENARIOS, arguments.only)
    if arguments.quick:
        scenarios = [_shortened(scenario) for scenario in scenarios]
    source = source_digest()
    results = _measure(servers, scenarios, arguments.rounds, arguments.seconds)
    medians = {key: _median(runs) for key, runs in results.items() if runs}
    (BUILD / "results.json").write_text(json.dumps(_listed(results), indent=1))

    measured = report.Measured(servers, scenarios, medians, arguments.rounds, arguments.seconds)
    changed = source != source_digest()
    whole = not (changed or arguments.quick or arguments.only or arguments.servers)
    folder = ROOT / "docs" if whole else BUILD
    print(report.table(measured))
    for path in _write(measured, folder):
        print(f"written: {path.relative_to(ROOT)}")
    if changed:
        sys.exit("Hearth's source changed during the run: its figures are of no one program.")
    sys.exit(_complain(results, servers, scenarios))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, fewer servers")
    parser.add_argument("--only", default="", help=_names(SCENARIOS))
    parser.add_argument("--servers", default="", help=_names(SERVERS))
    parser.add_argument("--rounds", type=int, help="3; what is reported is their median")
    parser.add_argument("--seconds", type=float, help="4; how long each run is measured")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 3)
    arguments.seconds = arguments.seconds or (1.5 if arguments.quick else 4.0)
    if arguments.quick and not arguments.servers:
        arguments.servers = _QUICK_SERVERS
    return arguments


def _names(things: Iterable[Server | Scenario]) -> str:
    return "comma-separated, of " + ", ".join(thing.name for thing in things)


def _chosen(things: Sequence[Named], names: str) -> list[Named]:
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if all(thing.name != name for thing in things):
            sys.exit(f"There is no {name}: {_names(things)}")
    return [thing for thing in things if not wanted or thing.name in wanted]


def _shortened(scenario: Scenario) -> Scenario:
    connections = min(scenario.connections, _QUICK_CONNECTIONS)
    if connections == scenario.connections:
        return scenario
    rooms = max(1, scenario.rooms * connections // scenario.connections)
    title = f"{scenario.title} (only {connections:,})"
    return replace(scenario, connections=connections, rooms=rooms, title=title)


def allow_open_files() -> None:
    """Servers inherit the limit; bench/load raises its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _measure(
    servers: Sequence[Server], scenarios: Sequence[Scenario], rounds: int, seconds: float
) -> Results:
    BUILD.mkdir(exist_ok=True)
    results: Results = {
        (scenario.name, server.name): []
        for scenario in scenarios
        for server in servers
        if scenario.suits(server)
    }
    for number in range(1, rounds + 1):
        for scenario in scenarios:
            for server in filter(scenario.suits, servers):
                label = f"round {number}: {scenario.name:15} {server.name:23}"
                try:
                    with running(server, scenario.processes, recovers=scenario.recovers) as target:
                        result = run(scenario, server, target, seconds)
                except (RunError, RuntimeError) as error:
                    print(f"{label} failed: {error}", file=sys.stderr, flush=True)
                    continue
                results[scenario.name, server.name].append(result)
                print(f"{label} {_line(scenario, result)}", file=sys.stderr, flush=True)
    return results


def _line(scenario: Scenario, result: Result) -> str:
    figures = [report.quantity(result[one.key], one.unit) for one in scenario.figures]
    figures.append(f"load's CPU {result['load_cpu_share']:.0%}")
    figures += [f"{result[fault]:.0f} {fault}!" for fault in FAULTS if result[fault]]
    return ", ".join(figures)


def _median(runs: Sequence[Result]) -> Result:
    numbers = [key for key, value in runs[0].items() if not isinstance(value, str)]
    return {key: statistics.median(one[key] for one in runs) for key in numbers}


def _listed(results: Results) -> list[dict[str, object]]:
    return [
        {"scenario": scenario, "server": server, "runs": runs}
        for (scenario, server), runs in results.items()
    ]


def _write(measured: report.Measured, folder: Path) -> list[Path]:
    page, picture = folder / "benchmarks.md", folder / "benchmarks.svg"
    page.write_text(report.page(measured))
    picture.write_text(report.picture(measured))
    return [page, picture]


def _complain(
    results: Results, servers: Sequence[Server], scenarios: Sequence[Scenario]
) -> str | None:
    """Return what Hearth did wrong; the others' faults are in what was printed."""
    wrong = []
    for scenario in scenarios:
        runs = results.get((scenario.name, "hearth"), [])
        faults = {fault: sum(one[fault] for one in runs) for fault in FAULTS}
        wrong += [f"{scenario.name}: {count:.0f} {name}" for name, count in faults.items() if count]
        if not runs and any(server.name == "hearth" for server in servers):
            wrong.append(f"{scenario.name}: no result")
    return "Hearth is at fault: " + ", ".join(wrong) if wrong else None


if __name__ == "__main__":
    main()
