"""The table: a row for each attack, and a summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.attack.verdict import MB, Measured

_COLUMNS: Final = (
    ("attack", 34),
    ("who", 9),
    ("before", 7),
    ("peak", 7),
    ("left", 7),
    ("cpu s", 6),
    ("starved", 7),
    ("own p99", 8),
    ("p50", 7),
    ("p99", 8),
    ("worst", 8),
    ("lost", 5),
    ("log kB", 7),
)


def heading() -> str:
    """Return the head of the table; memory is in MB, latencies in ms."""
    return _line([name for name, _width in _COLUMNS], "")


def row(measured: Measured, *, times: bool = True) -> str:
    """Return one attack's."""
    felt = measured.felt
    wrong = measured.wrong(times=times)
    return _line(
        [
            measured.attack.name,
            measured.attack.who.value,
            f"{measured.before / MB:.0f}",
            f"{(measured.peak - measured.before) / MB:+.0f}",
            f"{(measured.after - measured.before) / MB:+.0f}",
            f"{measured.cpu:.2f}",
            f"{measured.starved:.1f}",
            f"{measured.own.p99_ms:.0f}",
            f"{felt.p50_ms:.1f}",
            f"{felt.p99_ms:.0f}",
            f"{felt.worst_ms:.0f}",
            str(felt.lost),
            f"{measured.logged / 1000:.0f}",
        ],
        f"OUT: {'; '.join(wrong)}" if wrong else "ok",
    )


def summary(all_measured: Sequence[Measured], failed: Sequence[str], *, times: bool) -> str:
    """Return what came of the run."""
    out = [one for one in all_measured if one.wrong(times=times)]
    lines = [f"{len(all_measured)} attacks, {len(all_measured) - len(out)} within the bounds"]
    lines += [f"  out: {one.attack.name}: {'; '.join(one.wrong(times=times))}" for one in out]
    lines += [f"  not run: {failure}" for failure in failed]
    if out:
        again = ",".join(one.attack.name for one in out)
        lines.append(f"again: make attack ARGS='--only {again}'")
    return "\n".join(lines)


def _line(cells: Sequence[str], end: str) -> str:
    parts = [
        cell.ljust(width) if number < 2 else cell.rjust(width)
        for number, (cell, (_name, width)) in enumerate(zip(cells, _COLUMNS, strict=True))
    ]
    return " ".join([*parts, end]).rstrip()
