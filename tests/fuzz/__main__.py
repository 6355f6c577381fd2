"""Fuzzes targets: `make fuzz ARGS='--target packets --seconds 60'`."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys

from tests.fuzz.runner import Options, fuzz
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Fuzz, and return the exit status: 1 where anything was found."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--target", choices=[*TARGETS, "all"], default="all")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each target")
    parser.add_argument("--seed", type=int, default=random.randrange(1, 10**6))
    parser.add_argument("--case", type=int, help="this one only, to repeat a finding")
    arguments = parser.parse_args()
    found = 0
    for name in TARGETS if arguments.target == "all" else [arguments.target]:
        if arguments.case is None:
            options = Options(arguments.seed, arguments.seconds)
        else:
            options = Options(arguments.seed, cases=1, first=arguments.case)
        outcome = asyncio.run(fuzz(TARGETS[name](), options, print))
        found += len(outcome.findings)
        print(
            f"{name}: {outcome.cases} cases, {len(outcome.findings)} findings, seed {options.seed}"
        )
        for finding in outcome.findings:
            print(f"  {finding}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
