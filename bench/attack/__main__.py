"""What `make attack` runs: each attack against a server of its own, with a bystander beside it."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from bench.attack.measure import DidNotAttackError, measure, results_path
from bench.attack.registry import Attack, load
from bench.attack.report import heading, row, summary
from bench.attack.verdict import Measured


def main() -> int:
    """Attack; return 1 if a bound was broken or an attack failed by itself."""
    options = _options()
    attacks = _chosen(options.only)
    if options.list:
        for one in attacks:
            print(f"{one.name:34} {one.kind:12} {one.who.value:9} {one.about}")
        print(f"{len(attacks)} attacks")
        return 0
    done, failed = asyncio.run(_run(attacks, options))
    print(summary(done, failed, times=not options.short))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([one.to_dict() for one in done], indent=1) + "\n")
    print(f"results: {options.json}")
    return int(bool(failed) or any(one.wrong(times=not options.short) for one in done))


async def _run(
    attacks: Sequence[Attack], options: argparse.Namespace
) -> tuple[list[Measured], list[str]]:
    done: list[Measured] = []
    failed: list[str] = []
    print(heading())
    began = time.monotonic()
    for number, one in enumerate(attacks, start=1):
        print(
            f"[{number}/{len(attacks)}, {time.monotonic() - began:.0f} s] {one.name}: {one.about}",
            file=sys.stderr,
            flush=True,
        )
        seconds = max(options.seconds, 0.0 if options.short else one.seconds)
        arguments = {**(one.short if options.short else {}), **options.set}
        try:
            measured = await measure(one, seconds, arguments)
        except (DidNotAttackError, RuntimeError, OSError) as error:
            failed.append(f"{one.name}: {error}")
            print(f"{one.name:34} not run: {error}", flush=True)
            continue
        done.append(measured)
        print(row(measured, times=not options.short), flush=True)
        if options.verbose:
            print(f"    {measured.counts}", flush=True)
    return done, failed


def _chosen(patterns: str) -> list[Attack]:
    attacks = load().values()
    if not patterns:
        return list(attacks)
    wanted = patterns.split(",")
    chosen = [
        one
        for one in attacks
        if any(fnmatch(one.name, pattern) or one.kind == pattern for pattern in wanted)
    ]
    if not chosen:
        sys.exit(f"there is no attack {patterns!r}; make attack ARGS=--list shows all")
    return chosen


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make attack", description=__doc__)
    parser.add_argument("--list", action="store_true", help="say what there is, and do nothing")
    parser.add_argument("--only", default="", help="names, patterns of names, or kinds; a,b*,doors")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each attack lasts")
    parser.add_argument("--short", action="store_true", help="small and brief; no latency counts")
    parser.add_argument(
        *("--set", "-s"), type=_setting, action=_Settings, default={}, metavar="NAME=NUMBER"
    )
    parser.add_argument("--verbose", action="store_true", help="say what the attackers did")
    parser.add_argument("--json", type=Path, default=results_path(), help="where results go")
    options = parser.parse_args()
    if options.short:
        options.seconds = min(options.seconds, 2.0)
    return options


class _Settings(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        setattr(namespace, self.dest, {**getattr(namespace, self.dest), values[0]: values[1]})


def _setting(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    return name, float(value) if "." in value else int(value)


if __name__ == "__main__":
    sys.exit(main())
