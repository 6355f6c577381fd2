"""`python -m tests.drops [--drops 200] [--client stock]`: exit status 1 if a promise broke."""

from __future__ import annotations

import argparse
import logging
import random
import sys
from typing import Final

from tests.drops.run import CLIENTS, Options, run
from tests.promises.stage import say, tell

#: The clients that join with `since` are kept away for longer than the window; it isn't theirs.
_WINDOW: Final = {"stock": 120.0, "hearth-js": 1.0, "python": 1.0}
_AWAY: Final = {"stock": "0:1", "hearth-js": "1.2:2.2", "python": "1.2:2.2"}


def main() -> int:
    """Run it and print the report."""
    parser = argparse.ArgumentParser(prog="make drops", description=__doc__)
    parser.add_argument("--drops", type=int, default=200, help="how many")
    parser.add_argument("--client", choices=list(CLIENTS), default="stock")
    parser.add_argument("--seed", type=int, help="which drops and messages; any, if not given")
    parser.add_argument("--rate", type=float, default=200.0, help="messages per second")
    parser.add_argument("--window", type=float, help="RECOVERY_SECONDS; as suits the client")
    parser.add_argument("--away", metavar="LEAST:MOST", help="seconds; as suits the client")
    parser.add_argument("--history", type=int, help="HISTORY_SIZE; if not given, all is kept")
    parser.add_argument("--transports", default="websocket", help="of clients in Node")
    asked = parser.parse_args()
    least, most = map(float, (asked.away or _AWAY[asked.client]).split(":"))
    options = Options(
        asked.client,
        asked.drops,
        random.randrange(1_000_000) if asked.seed is None else asked.seed,
        asked.rate,
        asked.window or _WINDOW[asked.client],
        (least, most),
        asked.history,
        tuple(asked.transports.split(",")),
    )
    logging.getLogger("hearth_realtime").setLevel(logging.ERROR)  # lost connections are its trade
    return tell(run(options, say))


if __name__ == "__main__":
    sys.exit(main())
