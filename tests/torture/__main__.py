"""`python -m tests.torture [--seconds 600] [--seed 7]`: exit status 1 if anything is wrong."""

from __future__ import annotations

import argparse
import random
import sys

from tests.promises.stage import say, tell
from tests.torture.run import Options, run


def main() -> int:
    """Run it and print the report."""
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long faults go on")
    parser.add_argument("--seed", type=int, help="which faults and messages; any, if not given")
    parser.add_argument("--members", type=int, default=7, help="in each of the namespaces")
    parser.add_argument("--wait", type=float, default=1.5, help="mean seconds between faults")
    parser.add_argument("--pause", type=float, default=0.2, help="mean seconds between messages")
    asked = parser.parse_args()
    seed = random.randrange(1_000_000) if asked.seed is None else asked.seed
    options = Options(
        asked.seconds,
        seed,
        members=asked.members,
        mean_wait=asked.wait,
        mean_pause=asked.pause,
    )
    return tell(run(options, say))


if __name__ == "__main__":
    sys.exit(main())
