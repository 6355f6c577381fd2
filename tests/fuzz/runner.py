"""Runner: reads case after case, and holds a target to neither failing nor growing."""

from __future__ import annotations

import asyncio
import gc
import mmap
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.fuzz.mutator import Mutator
from tests.fuzz.target import Defects, Target

#: A case that takes longer is a finding, on a machine that has other things to do.
CASE_SECONDS: Final = 30.0
#: After so many cases, all that is kept by rights is there.
WARM_UP: Final = 2000
MOST_OBJECTS: Final = 20_000
MOST_GROWTH_BYTES: Final = 48 * 1024 * 1024


@dataclass
class Outcome:
    """What came of a run.

    Args:
        cases: how many were read.
        findings: what is wrong, each with how to repeat it.
    """

    cases: int = 0
    findings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """How long a target is fuzzed, and by which chance.

    Args:
        seconds: how long; 0: `cases` decides.
        cases: how many at most; 0: `seconds` decides.
        first: the number of the first.
    """

    seed: int = 1
    seconds: float = 0.0
    cases: int = 0
    first: int = 0
    most_findings: int = 3


async def fuzz(target: Target, options: Options, say: Callable[[str], None]) -> Outcome:
    """Fuzz a target."""
    outcome = Outcome()
    mutator = Mutator(target.corpus, options.seed)
    loop = asyncio.get_running_loop()
    stray: list[str] = []
    loop.set_exception_handler(lambda _loop, context: stray.append(str(context)))
    with Defects() as defects:
        await target.start()
        try:
            end = time.monotonic() + options.seconds
            before: tuple[int, int] | None = None
            while not options.seconds or time.monotonic() < end:
                if options.cases and outcome.cases >= options.cases:
                    break
                number = options.first + outcome.cases
                outcome.cases += 1
                chance, data = mutator.case(number)
                try:
                    async with asyncio.timeout(CASE_SECONDS):
                        await target.read(data, chance)
                    defects.require_none()
                    await asyncio.sleep(0)  # or the loop would never forget a timer
                    assert not stray, stray.pop()
                except Exception as error:  # noqa: BLE001 - that is what is looked for
                    repeat = f"--target {target.name} --seed {options.seed} --case {number}"
                    text = f"{type(error).__name__}: {error}\n  {data!r}\n  again: {repeat}"
                    outcome.findings.append(text[:4000])
                    say(outcome.findings[-1])
                    if len(outcome.findings) >= options.most_findings:
                        break
                if outcome.cases == WARM_UP:
                    before = _size()
            if before is not None and not outcome.findings:
                outcome.findings += _growth(target, before, outcome.cases - WARM_UP)
        finally:
            await target.close()
            loop.set_exception_handler(None)
    return outcome


def _size() -> tuple[int, int]:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return len(gc.get_objects()), pages * mmap.PAGESIZE


def _growth(target: Target, before: tuple[int, int], cases: int) -> list[str]:
    now = _size()
    grown = now[0] - before[0], now[1] - before[1]
    if grown[0] <= MOST_OBJECTS and grown[1] <= MOST_GROWTH_BYTES:
        return []
    kinds = Counter(type(one).__name__ for one in gc.get_objects()).most_common(5)
    return [
        (
            f"{target.name} has grown by {grown[0]} objects and {grown[1]} bytes in {cases} cases; "
            f"most are {kinds}"
        )
    ]
