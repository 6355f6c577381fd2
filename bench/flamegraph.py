"""Draw where Hearth's time goes while a room of a thousand is busy: `make profile`."""

from __future__ import annotations

import argparse
import subprocess
import sys

from bench.run import allow_open_files
from bench.scenarios import SCENARIOS, run
from bench.servers import BENCH, BUILD, LOAD_CPU, ROOT, SERVERS, running


def main() -> None:
    """Record the server while bench/load runs a scenario, and say where the picture is."""
    names = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(prog="python -m bench.flamegraph", description=__doc__)
    parser.add_argument("--scenario", default="fanout-1000", choices=names)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--native", action="store_true", help="show C and Cython functions too")
    arguments = parser.parse_args()
    allow_open_files()
    scenario = next(one for one in SCENARIOS if one.name == arguments.scenario)
    hearth = next(server for server in SERVERS if server.name == "hearth")
    picture = BUILD / f"profile-{scenario.name}.svg"
    with running(hearth, scenario.processes) as target:
        recorder = subprocess.Popen(
            (
                *("taskset", "-c", str(LOAD_CPU), str(BENCH / ".venv/bin/py-spy"), "record"),
                *("--pid", str(target.pids[0]), "--output", str(picture), "--rate", "250"),
                *("--duration", f"{arguments.seconds:.0f}"),
                *(("--native",) if arguments.native else ()),
            ),
            stdout=subprocess.DEVNULL,
        )
        result = run(scenario, hearth, target, arguments.seconds)
        if recorder.wait() != 0:
            sys.exit("py-spy could not record; it may have to be root, or see its message above.")
    figure = scenario.figures[0]
    print(f"{figure.key}: {result[figure.key]:,.0f}, while it was recorded")
    print(f"written: {picture.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
